/** What is known about one key of one policy; worthless after `endsAt` (milliseconds of the given clock). */
export interface Window {
  /** A clock that is set back to before it would make the window last until it has caught up. */
  readonly beganAt: number;
  endsAt: number;
}

export interface WindowTable<W extends Window> {
  /** Undefined when there is none, or it has ended, or has yet to begin. */
  get(policy: string, key: string, now: number): W | undefined;
  set(policy: string, key: string, window: W, now: number): void;
  delete(policy: string, key: string): void;
}

const SWEEP_AT_MOST_EVERY_MS = 1000;

/**
 * Windows by policy and key, of each policy `capacity` at most: a flood of made-up keys pushes out its own kind and
 * nothing else. When a policy is full, ended windows go first, then the oldest.
 */
export function createWindowTable<W extends Window>(capacity = 20_000): WindowTable<W> {
  const policies = new Map<string, { readonly windows: Map<string, W>; sweptAt: number }>();

  const policyOf = (name: string) => {
    const known = policies.get(name);
    if (known) return known;
    const made = { windows: new Map<string, W>(), sweptAt: -Infinity };
    policies.set(name, made);
    return made;
  };

  const makeRoom = (policy: ReturnType<typeof policyOf>, now: number): void => {
    const { windows } = policy;
    if (Math.abs(now - policy.sweptAt) >= SWEEP_AT_MOST_EVERY_MS) {
      policy.sweptAt = now;
      for (const [key, { endsAt }] of windows) if (endsAt <= now) windows.delete(key);
    }
    for (const key of windows.keys()) {
      if (windows.size < capacity) return;
      windows.delete(key);
    }
  };

  return {
    get(policy, key, now) {
      const window = policies.get(policy)?.windows.get(key);
      return window && window.beganAt <= now && window.endsAt > now ? window : undefined;
    },
    set(name, key, window, now) {
      const policy = policyOf(name);
      // Set anew, so that the order is that of age.
      policy.windows.delete(key);
      if (policy.windows.size >= capacity) makeRoom(policy, now);
      policy.windows.set(key, window);
    },
    delete(policy, key) {
      policies.get(policy)?.windows.delete(key);
    },
  };
}
