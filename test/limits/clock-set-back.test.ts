import { describe, expect, test } from '@jest/globals';
import type { RateLimiter } from '../../src/app/ports/rate-limits.ts';
import type { Clock } from '../../src/app/ports.ts';
import type { RatePolicy } from '../../src/domain/rate-limit.ts';
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts';
import { createSharedLimiter } from '../../src/limits/shared-limiter.ts';
import { createManualClock } from '../support/keyring-node.ts';
import { fakeCounters, quiet } from '../support/rate-limit-nodes.ts';

const POLICY: RatePolicy = { name: 'small', limit: 2, windowSeconds: 60 };
const DAY = 86_400_000;

const LIMITERS: Record<string, (clock: Clock) => RateLimiter> = {
  'this process alone': createMemoryLimiter,
  'all nodes together': (clock) =>
    // The database has a clock of its own, which nobody has set.
    createSharedLimiter({ clock, counters: fakeCounters(createManualClock()), log: quiet }),
};

describe.each(Object.entries(LIMITERS))('when the clock is set back, a limit counted by %s', (_, create) => {
  test('refuses nobody for longer than its window', async () => {
    const clock = createManualClock();
    const limiter = create(clock);
    for (let i = 0; i < 3; i += 1) await limiter.take(POLICY, 'key');
    clock.time -= DAY;
    const verdict = await limiter.take(POLICY, 'key');
    expect(verdict.resetSeconds).toBeLessThanOrEqual(60);
    expect((await limiter.look(POLICY, 'key')).resetSeconds).toBeLessThanOrEqual(60);
  });
});
