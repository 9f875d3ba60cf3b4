/** When a key signs and verifies: milliseconds since the epoch. */
export interface Scheduled {
  readonly kid: string;
  readonly activeFrom: number;
  readonly retiresAt: number | null;
}

/**
 * Oldest first, each with the time it really retires: a key without one retires `verifyAfterMs` after the next
 * key takes over. So every node that reads the same rows agrees, even when two of them created a key at once or
 * one stopped between inserting the new key and retiring the old. One that was written down is only ever put off:
 * whoever wrote it may have thought that tokens live shorter.
 */
export function schedule<T extends Scheduled>(keys: readonly T[], verifyAfterMs: number): readonly T[] {
  const ordered = [...keys].sort(byActivation);
  return ordered.map((key, index) => {
    const successor = ordered[index + 1];
    if (successor === undefined) return key;
    return { ...key, retiresAt: Math.max(key.retiresAt ?? 0, successor.activeFrom + verifyAfterMs) };
  });
}

/** Keys of a schedule that verify at `now` or will: what verifiers must know. */
export function published<T extends Scheduled>(scheduled: readonly T[], now: number): readonly T[] {
  return scheduled.filter((key) => key.retiresAt === null || key.retiresAt > now);
}

/**
 * The newest key of a schedule that is active. When none is yet, the first that will be: the node that made it
 * has a clock ahead of ours, and a second key would not help.
 */
export function signing<T extends Scheduled>(scheduled: readonly T[], now: number): T | undefined {
  const alive = published(scheduled, now);
  return alive.findLast((key) => key.activeFrom <= now) ?? alive[0];
}

/** By time, then by kid in code units: the same on every node, whatever its locale. */
function byActivation(a: Scheduled, b: Scheduled): number {
  if (a.activeFrom !== b.activeFrom) return a.activeFrom - b.activeFrom;
  if (a.kid === b.kid) return 0;
  return a.kid < b.kid ? -1 : 1;
}
