import type { Knex } from 'knex';
import type {
  ExhaustedKey,
  PointsReserved,
  PointsWanted,
  RateCounters,
} from '../../app/ports/rate-limits.ts';
import { gather } from '../waiting/gather.ts';
import { toJson } from '../sql/json.ts';
import { hitsOf, rowsOf } from '../sql/statements.ts';

/** One clock for all nodes, whatever theirs say; milliseconds since the epoch. */
const NOW = '(extract(epoch FROM statement_timestamp()) * 1000)::bigint';
const MOST_EXHAUSTED = 10_000;
/** A statement that waited for a row is older than the window that it finds there; by less than this. */
const OLDER_AT_MOST_MS = 60_000;
/** Nothing of a window counts that has ended, or that would last longer than a new one: the clock was set back since. */
const OVER = `(r.resets_at <= ${NOW} OR r.resets_at > excluded.resets_at + ${OLDER_AT_MOST_MS})`;

/**
 * One statement for the keys of one tick. In the order of the keys, so that two nodes that want the same ones wait for
 * each other and never in a circle. `granted` is what this very statement got: the row is locked until it commits. The
 * table is unlogged, so its commits do not wait for the disk.
 */
const RESERVE = `
  INSERT INTO rate_limits AS r (policy, key, used, capacity, granted, exhausted, resets_at)
  SELECT policy, key, LEAST(points, capacity), capacity, LEAST(points, capacity), points >= capacity, ${NOW} + window_ms
  FROM json_to_recordset(?::json) AS i (policy text, key text, points bigint, capacity bigint, window_ms bigint)
  ORDER BY key COLLATE "C", policy
  ON CONFLICT (key, policy) DO UPDATE SET
    capacity = excluded.capacity,
    used = CASE WHEN ${OVER} THEN excluded.used
      ELSE GREATEST(r.used, LEAST(r.used + excluded.used, excluded.capacity)) END,
    granted = CASE WHEN ${OVER} THEN excluded.granted
      ELSE LEAST(excluded.granted, GREATEST(excluded.capacity - r.used, 0)) END,
    exhausted = CASE WHEN ${OVER} THEN excluded.exhausted
      ELSE r.used + excluded.used >= excluded.capacity END,
    resets_at = CASE WHEN ${OVER} THEN excluded.resets_at ELSE r.resets_at END
  RETURNING policy, key, granted, used, resets_at - ${NOW} AS left_ms`;

/** Counters that many nodes share. PostgreSQL only: the embedded database belongs to one process, which has memory. */
export function rateCounters(db: Knex): RateCounters {
  return {
    reserve: gather((wanted: readonly PointsWanted[]) => reserve(db, wanted)),
    async exhausted(policies) {
      const rows = await rowsOf<{ policy: string; key: string; left_ms: number }>(
        db,
        `SELECT policy, key, resets_at - ${NOW} AS left_ms FROM rate_limits
         WHERE exhausted AND policy = ANY(?) AND resets_at > ${NOW} ORDER BY resets_at DESC LIMIT ${MOST_EXHAUSTED}`,
        [policies.map(({ name }) => name)],
      );
      const longest = new Map(
        policies.map(({ name, windowSeconds }) => [name, windowSeconds * 1000 + OLDER_AT_MOST_MS]),
      );
      return rows.flatMap(({ policy, key, left_ms }): ExhaustedKey[] =>
        left_ms <= (longest.get(policy) ?? 0) ? [{ policy, key, leftMs: left_ms }] : [],
      );
    },
    async giveBack(policy, key) {
      await hitsOf(
        db,
        'UPDATE rate_limits SET used = used - 1, exhausted = false WHERE key = ? AND policy = ? AND used > 0',
        [key, policy],
      );
    },
    async forget(policy, key) {
      await hitsOf(db, 'DELETE FROM rate_limits WHERE key = ? AND policy = ?', [key, policy]);
    },
  };
}

interface ReservedRow {
  readonly policy: string;
  readonly key: string;
  readonly granted: number;
  readonly used: number;
  readonly left_ms: number;
}

async function reserve(
  db: Knex,
  wanted: readonly PointsWanted[],
): Promise<(one: PointsWanted) => PointsReserved> {
  const groups = Map.groupBy(wanted, ({ policy, key }) => idOf(policy.name, key));
  const asked = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { policy, key } = first;
    const points = group.reduce((sum, one) => sum + one.points(), 0);
    return {
      policy: policy.name,
      key,
      points,
      capacity: policy.limit,
      window_ms: policy.windowSeconds * 1000,
    };
  });
  const rows = await rowsOf<ReservedRow>(db, RESERVE, [toJson(asked)]);
  const found = new Map(rows.map((row) => [idOf(row.policy, row.key), row]));
  // Who asks twice in one tick gets everything with the first answer and nothing with the others.
  const given = new Set(rows.map((row) => groups.get(idOf(row.policy, row.key))?.[0]));
  return (one) => {
    const row = found.get(idOf(one.policy.name, one.key));
    if (!row) throw new Error('a rate limit was not counted');
    return { granted: given.has(one) ? row.granted : 0, used: row.used, leftMs: row.left_ms };
  };
}

function idOf(policy: string, key: string): string {
  return `${policy} ${key}`;
}
