import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { RateLimiter } from '../../src/app/ports/rate-limits.ts';
import type { RatePolicy, RateVerdict } from '../../src/domain/rate-limit.ts';
import { openDatabase } from '../../src/store/database.ts';
import { rateCounters } from '../../src/store/tables/rate-limits.ts';
import { fakeNodes, memoryNode, postgresNodes, type RateLimitNodes } from '../support/rate-limit-nodes.ts';
import { postgresPlace } from './databases.ts';

let serial = 0;
/** A policy that no other test has counted for. */
function aPolicy(limit: number, over: Partial<RatePolicy> = {}): RatePolicy {
  serial += 1;
  return { name: `policy-${serial}`, limit, windowSeconds: 60, ...over };
}

const times = (count: number) => Array.from({ length: count });

async function takeMany(limiter: RateLimiter, policy: RatePolicy, key: string, count: number) {
  const verdicts = await Promise.all(times(count).map(async () => limiter.take(policy, key)));
  return verdicts.filter(({ allowed }) => allowed).length;
}

describe.each([
  ['memory', memoryNode],
  ['counters that are shared', fakeNodes],
  ['PostgreSQL', postgresNodes],
])('a limiter on %s', (_kind, makeNodes) => {
  let nodes: RateLimitNodes;
  let limiter: RateLimiter;
  beforeAll(async () => {
    nodes = await makeNodes();
  });
  beforeEach(() => {
    limiter = nodes.node();
  });
  afterAll(() => nodes.close());

  test('lets the limit through, tells what is left, and refuses the rest of the window', async () => {
    const policy = aPolicy(3);
    const verdicts: RateVerdict[] = [];
    for (let i = 0; i < 5; i += 1) verdicts.push(await limiter.take(policy, 'a'));
    expect(verdicts.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
      [false, 0],
      [false, 0],
    ]);
    for (const { policy: named, resetSeconds } of verdicts) {
      expect(named).toBe(policy);
      expect(resetSeconds).toBeGreaterThan(50);
      expect(resetSeconds).toBeLessThanOrEqual(60);
    }
  });

  test('begins anew when the window of the key has ended, and not before', async () => {
    const policy = aPolicy(2);
    expect(await takeMany(limiter, policy, 'a', 3)).toBe(2);
    await nodes.pass(30);
    expect(await limiter.take(policy, 'a')).toMatchObject({ allowed: false });
    await nodes.pass(31);
    expect(await takeMany(limiter, policy, 'a', 3)).toBe(2);
  });

  test('counts each key and each policy by itself', async () => {
    const [one, other] = [aPolicy(1), aPolicy(1)];
    await limiter.take(one, 'a');
    expect(await limiter.take(one, 'a')).toMatchObject({ allowed: false });
    expect(await limiter.take(one, 'b')).toMatchObject({ allowed: true });
    expect(await limiter.take(other, 'a')).toMatchObject({ allowed: true });
  });

  test.each([1, 7, 100, 250, 1000])('lets exactly %i of a rush through', async (limit) => {
    const policy = aPolicy(limit);
    expect(await takeMany(limiter, policy, 'a', limit + 200)).toBe(limit);
    expect(await takeMany(limiter, policy, 'a', 10)).toBe(0);
  });

  test('looks without spending', async () => {
    const policy = aPolicy(2);
    expect(await limiter.look(policy, 'a')).toMatchObject({ allowed: true, remaining: 2 });
    await limiter.take(policy, 'a');
    for (let i = 0; i < 3; i += 1) {
      expect(await limiter.look(policy, 'a')).toMatchObject({ allowed: true, remaining: 1 });
    }
    await limiter.take(policy, 'a');
    expect(await limiter.look(policy, 'a')).toMatchObject({ allowed: false, remaining: 0 });
    await nodes.pass(61);
    expect(await limiter.look(policy, 'a')).toMatchObject({ allowed: true, remaining: 2 });
  });

  test('takes a point back, which is worth something at once, and forgets a key', async () => {
    const policy = aPolicy(2, { forgiving: true });
    expect(await takeMany(limiter, policy, 'a', 5)).toBe(2);
    await limiter.giveBack(policy, 'a');
    expect(await takeMany(limiter, policy, 'a', 5)).toBe(1);
    await limiter.forget(policy, 'a');
    expect(await takeMany(limiter, policy, 'a', 5)).toBe(2);
  });

  test('never gives back more than was spent', async () => {
    const policy = aPolicy(2, { forgiving: true });
    for (let i = 0; i < 3; i += 1) await limiter.giveBack(policy, 'a');
    expect(await takeMany(limiter, policy, 'a', 5)).toBe(2);
  });

  test('applies another limit to a key at once', async () => {
    const free = aPolicy(2);
    expect(await takeMany(limiter, free, 'a', 3)).toBe(2);
    expect(await takeMany(limiter, { ...free, limit: 5 }, 'a', 5)).toBe(3);
    expect(await takeMany(limiter, free, 'a', 1)).toBe(0);
  });
});

describe.each([
  ['counters that are shared', fakeNodes],
  ['PostgreSQL', postgresNodes],
])('nodes on %s', (_kind, makeNodes) => {
  let nodes: RateLimitNodes;
  beforeAll(async () => {
    nodes = await makeNodes();
  });
  afterAll(() => nodes.close());

  test('share a small limit to the point', async () => {
    const policy = aPolicy(20);
    const allowed = await Promise.all([1, 2, 3].map(() => takeMany(nodes.node(), policy, 'a', 15)));
    expect(allowed.reduce((a, b) => a + b)).toBe(20);
  });

  test('never exceed a large one together, and waste a block each at most', async () => {
    const policy = aPolicy(1000);
    const [one, two] = [nodes.node(), nodes.node()];
    let total = 0;
    for (let i = 0; i < 30; i += 1) {
      total += await takeMany(one, policy, 'a', 23);
      total += await takeMany(two, policy, 'a', 17);
    }
    expect(total).toBeLessThanOrEqual(1000);
    expect(total).toBeGreaterThanOrEqual(1000 - 2 * 23);
  });

  test('know soon what another one has exhausted', async () => {
    const policy = aPolicy(3);
    const [one, two] = [nodes.node(), nodes.node()];
    expect(await two.look(policy, 'a')).toMatchObject({ allowed: true });
    await takeMany(one, policy, 'a', 3);
    await new Promise((resolve) => setTimeout(resolve, 260));
    expect(await two.look(policy, 'a')).toMatchObject({ allowed: false, remaining: 0 });
    expect(await two.look(policy, 'b')).toMatchObject({ allowed: true });
  });

  test('know soon what another one has forgiven', async () => {
    const policy = aPolicy(2, { forgiving: true });
    const [one, two] = [nodes.node(), nodes.node()];
    expect(await takeMany(one, policy, 'a', 2)).toBe(2);
    expect(await two.take(policy, 'a')).toMatchObject({ allowed: false });
    await one.giveBack(policy, 'a');
    await nodes.pass(0.26);
    expect(await two.take(policy, 'a')).toMatchObject({ allowed: true });
  });
});

describe('counters on PostgreSQL', () => {
  test('are taken by nodes in any order without a deadlock', async () => {
    const place = await postgresPlace();
    const first = await openDatabase(place.settings);
    const databases = [first, await openDatabase(place.settings), await openDatabase(place.settings)];
    const policy = aPolicy(100_000);
    const keys = times(100).map((_, i) => `key-${i}`);
    const rounds = databases.map(async ({ knex }, i) => {
      const counters = rateCounters(knex);
      const order = i === 0 ? keys : keys.toReversed();
      for (let round = 0; round < 20; round += 1) {
        await Promise.all(order.map((key) => counters.reserve({ policy, key, points: () => 2 })));
      }
    });
    await Promise.all(rounds);
    const { rows } = await first.knex.raw('SELECT DISTINCT used::int FROM rate_limits');
    expect(rows).toEqual([{ used: 3 * 20 * 2 }]);
    await Promise.all(databases.map((each) => each.close()));
    await place.remove();
  });

  test('of windows that last longer than any that begins now are worthless: the clock was set back', async () => {
    const nodes = await postgresNodes();
    const policy = aPolicy(2);
    await takeMany(nodes.node(), policy, 'exhausted', 3);
    await nodes.node().take(policy, 'begun');
    await nodes.setBack(7200);
    expect(await nodes.node().look(policy, 'exhausted')).toMatchObject({ allowed: true });
    for (const key of ['exhausted', 'begun']) {
      expect(await takeMany(nodes.node(), policy, key, 3)).toBe(2);
      expect(await nodes.node().take(policy, key)).toMatchObject({ allowed: false });
    }
    await nodes.pass(61);
    expect(await takeMany(nodes.node(), policy, 'exhausted', 3)).toBe(2);
    await nodes.close();
  });

  test('are kept out of the write-ahead log: counting never waits for the disk', async () => {
    const place = await postgresPlace();
    const { knex, close } = await openDatabase(place.settings);
    const { rows } = await knex.raw("SELECT relpersistence FROM pg_class WHERE relname = 'rate_limits'");
    expect(rows).toEqual([{ relpersistence: 'u' }]);
    await close();
    await place.remove();
  });
});
