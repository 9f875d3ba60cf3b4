import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { RateCounters, RateLimiter } from '../../src/app/ports/rate-limits.ts';
import type { RatePolicy } from '../../src/domain/rate-limit.ts';
import { createSharedLimiter } from '../../src/limits/shared-limiter.ts';
import { createManualClock, type ManualClock } from '../support/keyring-node.ts';
import { fakeCounters, quiet } from '../support/rate-limit-nodes.ts';

const LARGE: RatePolicy = { name: 'large', limit: 60_000, windowSeconds: 60 };
const SMALL: RatePolicy = { name: 'small', limit: 2, windowSeconds: 60 };

let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock();
});

async function spend(limiter: RateLimiter, policy: RatePolicy, count: number): Promise<number> {
  let allowed = 0;
  for (let i = 0; i < count; i += 1) if ((await limiter.take(policy, 'key')).allowed) allowed += 1;
  return allowed;
}

describe('what a limit costs', () => {
  test('a busy key asks the database once for a hundredth of its limit', async () => {
    const counters = fakeCounters(clock);
    const limiter = createSharedLimiter({ clock, counters, log: quiet });
    expect(await spend(limiter, LARGE, 3000)).toBe(3000);
    expect(counters.asked).toBe(5);
  });

  test('a point that this node holds is spent without waiting', async () => {
    const limiter = createSharedLimiter({ clock, counters: fakeCounters(clock), log: quiet });
    expect(limiter.take(LARGE, 'key')).toBeInstanceOf(Promise);
    await spend(limiter, LARGE, 1);
    expect(limiter.take(LARGE, 'key')).toMatchObject({ allowed: true });
  });

  test('a flood on an exhausted key asks nothing until its window ends', async () => {
    const counters = fakeCounters(clock);
    const limiter = createSharedLimiter({ clock, counters, log: quiet });
    expect(await spend(limiter, SMALL, 1000)).toBe(2);
    expect(counters.asked).toBe(2);
    clock.time += 59_999;
    expect(await spend(limiter, SMALL, 1000)).toBe(0);
    expect(counters.asked).toBe(2);
  });

  test('looking asks once for all keys, and nothing while the news are fresh', async () => {
    const counters = fakeCounters(clock);
    const limiter = createSharedLimiter({ clock, counters, log: quiet });
    const keys = Array.from({ length: 100 }, (_, i) => `key-${i}`);
    // News are fresh for a quarter of a second, for which a busy machine may stand still.
    const time = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    await Promise.all(keys.map(async (key) => limiter.look(SMALL, key)));
    expect(counters.asked).toBe(1);
    time.mockReturnValue(1_100);
    for (const key of keys) expect(limiter.look(SMALL, key)).toMatchObject({ allowed: true });
    expect(counters.asked).toBe(1);
    time.mockReturnValue(1_250);
    expect(limiter.look(SMALL, 'key-1')).toBeInstanceOf(Promise);
    expect(counters.asked).toBe(2);
  });

  test('what is not spent when the window ends is lost, so that no window holds more than its limit', async () => {
    const limiter = createSharedLimiter({ clock, counters: fakeCounters(clock), log: quiet });
    const policy = { ...LARGE, limit: 1000 };
    expect(await spend(limiter, policy, 995)).toBe(995);
    clock.time += 60_000;
    expect(await spend(limiter, policy, 1100)).toBe(1000);
  });

  test('a node keeps a bounded number of keys and stays exact without them', async () => {
    const counters = fakeCounters(clock);
    const limiter = createSharedLimiter({ clock, counters, log: quiet, capacity: 10 });
    await spend(limiter, SMALL, 2);
    for (let i = 0; i < 50; i += 1) await limiter.take(SMALL, `other-${i}`);
    const before = counters.asked;
    expect(await spend(limiter, SMALL, 5)).toBe(0);
    expect(counters.asked).toBe(before + 1);
  });
});

describe('while the database does not answer', () => {
  const failing = (how: () => Promise<never>): RateCounters => ({
    reserve: how,
    exhausted: how,
    giveBack: how,
    forget: how,
  });
  const refuse = () => Promise.reject(new Error('the database is away'));

  test('a node counts alone, says so once, and guards against guessing all the same', async () => {
    const warned: string[] = [];
    const limiter = createSharedLimiter({
      clock,
      counters: failing(refuse),
      log: { warn: (message) => warned.push(message) },
    });
    expect(await spend(limiter, SMALL, 5)).toBe(2);
    expect(await limiter.look(SMALL, 'key')).toMatchObject({ allowed: false });
    expect(await limiter.look(SMALL, 'other')).toMatchObject({ allowed: true });
    await limiter.giveBack(SMALL, 'key');
    expect(await spend(limiter, SMALL, 5)).toBe(1);
    expect(warned).toEqual(['rate limits are counted by this node alone']);
  });

  test('nobody waits longer than the limiter’s patience, and only the first ones wait at all', async () => {
    const never = () => new Promise<never>(() => {});
    const limiter = createSharedLimiter({ clock, counters: failing(never), log: quiet, patienceMs: 50 });
    const started = performance.now();
    expect(await limiter.take(LARGE, 'key')).toMatchObject({ allowed: true });
    expect(performance.now() - started).toBeGreaterThan(40);
    const later = performance.now();
    expect(await spend(limiter, LARGE, 200)).toBe(200);
    expect(await limiter.look(SMALL, 'key')).toMatchObject({ allowed: true });
    expect(performance.now() - later).toBeLessThan(900);
  });

  test('it asks again after a second and counts with the others', async () => {
    const counters = fakeCounters(clock);
    let away = true;
    const sometimes: RateCounters = {
      ...counters,
      reserve: (wanted) => (away ? refuse() : counters.reserve(wanted)),
    };
    const limiter = createSharedLimiter({ clock, counters: sometimes, log: quiet });
    expect(await spend(limiter, SMALL, 1)).toBe(1);
    expect(counters.asked).toBe(0);
    away = false;
    await new Promise((resolve) => setTimeout(resolve, 1010));
    expect(await spend(limiter, SMALL, 5)).toBe(2);
    expect(counters.asked).toBeGreaterThan(0);
  });
});
