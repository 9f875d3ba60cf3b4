import type { Clock } from '../app/ports.ts';
import type { RateLimiter } from '../app/ports/rate-limits.ts';
import { type RatePolicy, type RateVerdict, verdictOf } from '../domain/rate-limit.ts';
import { createWindowTable, type Window } from './window-table.ts';

interface Counted extends Window {
  used: number;
}

/** Knows every verdict at once. */
export interface MemoryLimiter extends RateLimiter {
  take(policy: RatePolicy, key: string): RateVerdict;
  look(policy: RatePolicy, key: string): RateVerdict;
}

/**
 * Counts in this process: exact for the embedded database, which has one. A window begins with the first point of its
 * key. `capacity`: keys of one policy that are remembered at most.
 */
export function createMemoryLimiter(clock: Clock, capacity?: number): MemoryLimiter {
  const table = createWindowTable<Counted>(capacity);
  return {
    take(policy, key) {
      const now = clock.now();
      let window = table.get(policy.name, key, now);
      if (!window) {
        window = { used: 0, beganAt: now, endsAt: now + policy.windowSeconds * 1000 };
        table.set(policy.name, key, window, now);
      }
      const allowed = window.used < policy.limit;
      // What is refused is not counted: a point that is given back is worth something at once.
      if (allowed) window.used += 1;
      return verdictOf(policy, allowed, policy.limit - window.used, window.endsAt - now);
    },
    look(policy, key) {
      const now = clock.now();
      const window = table.get(policy.name, key, now);
      const left = policy.limit - (window?.used ?? 0);
      return verdictOf(policy, left > 0, left, window ? window.endsAt - now : policy.windowSeconds * 1000);
    },
    async giveBack(policy, key) {
      const window = table.get(policy.name, key, clock.now());
      if (window && window.used > 0) window.used -= 1;
    },
    async forget(policy, key) {
      table.delete(policy.name, key);
    },
  };
}
