import type { RateCounters, RateLimiter } from '../../src/app/ports/rate-limits.ts';
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts';
import { createSharedLimiter } from '../../src/limits/shared-limiter.ts';
import { openDatabase } from '../../src/store/database.ts';
import { rateCounters } from '../../src/store/tables/rate-limits.ts';
import { postgresPlace } from '../store/databases.ts';
import { createManualClock } from './keyring-node.ts';

/** Nodes that count together, and time that passes for all of them, the counters included. */
export interface RateLimitNodes {
  node(): RateLimiter;
  pass(seconds: number): Promise<void>;
  close(): Promise<void>;
}

export const quiet = { warn() {} };

export async function memoryNode(): Promise<RateLimitNodes> {
  const clock = createManualClock();
  const limiter = createMemoryLimiter(clock);
  return {
    node: () => limiter,
    pass: async (seconds) => void (clock.time += seconds * 1000),
    close: async () => {},
  };
}

export async function fakeNodes(): Promise<RateLimitNodes> {
  const clock = createManualClock();
  const counters = fakeCounters(clock);
  return {
    node: () => createSharedLimiter({ clock, counters, log: quiet }),
    pass: async (seconds) => void (clock.time += seconds * 1000),
    close: async () => {},
  };
}

export async function postgresNodes(): Promise<
  RateLimitNodes & {
    /** Sets the database's clock back. */
    setBack(seconds: number): Promise<void>;
  }
> {
  const clock = createManualClock();
  const place = await postgresPlace();
  const database = await openDatabase(place.settings);
  return {
    node: () =>
      createSharedLimiter({
        clock,
        counters: rateCounters(database.knex),
        log: quiet,
        // Machines that run tests may stand still for a while.
        patienceMs: 10_000,
      }),
    async pass(seconds) {
      clock.time += seconds * 1000;
      // The database keeps its own time: its windows are moved back instead.
      await database.knex.raw('UPDATE rate_limits SET resets_at = resets_at - ?', [seconds * 1000]);
    },
    setBack: (seconds) =>
      database.knex.raw('UPDATE rate_limits SET resets_at = resets_at + ?', [seconds * 1000]),
    async close() {
      await database.close();
      await place.remove();
    },
  };
}

/** What src/store/tables/rate-limits.ts promises, without a database; counts how often it was asked. */
export function fakeCounters(clock: { now(): number }): RateCounters & { asked: number } {
  const rows = new Map<
    string,
    { policy: string; key: string; used: number; capacity: number; endsAt: number }
  >();
  return {
    asked: 0,
    async reserve({ policy, key, points }) {
      this.asked += 1;
      const id = `${policy.name} ${key}`;
      const stored = rows.get(id);
      const row =
        stored && stored.endsAt > clock.now()
          ? stored
          : {
              policy: policy.name,
              key,
              used: 0,
              capacity: 0,
              endsAt: clock.now() + policy.windowSeconds * 1000,
            };
      rows.set(id, row);
      row.capacity = policy.limit;
      // As late as a query is sent.
      await Promise.resolve();
      const granted = Math.min(points(), Math.max(0, policy.limit - row.used));
      row.used += granted;
      return { granted, used: row.used, leftMs: row.endsAt - clock.now() };
    },
    async exhausted(policies) {
      this.asked += 1;
      const asked = new Set(policies.map(({ name }) => name));
      return [...rows.values()]
        .filter((row) => asked.has(row.policy) && row.used >= row.capacity && row.endsAt > clock.now())
        .map(({ policy, key, endsAt }) => ({ policy, key, leftMs: endsAt - clock.now() }));
    },
    async giveBack(policy, key) {
      const row = rows.get(`${policy} ${key}`);
      if (row && row.used > 0) row.used -= 1;
    },
    async forget(policy, key) {
      rows.delete(`${policy} ${key}`);
    },
  };
}
