import type { Knex } from 'knex';
import { isPostgres } from './statements.ts';

/** Arbitrary, but fixed for ever: nodes of different releases must agree on them. */
export const KEYS = {
  migrations: 7_461_001,
  ledger: 7_461_002,
  audiences: 7_461_003,
  signingKeys: 7_461_004,
  registry: 7_461_005,
  indexes: 7_461_006,
  webhooks: 7_461_007,
} as const;

/**
 * Rows in the order in which every node writes them: nodes that write the same ones at once wait for one another, and
 * never in a circle, which PostgreSQL would notice after a second.
 */
export function inLockOrder<T>(rows: readonly T[], keyOf: (row: T) => string): T[] {
  return rows.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/**
 * One transaction at a time goes on from here, across all nodes. SQLite needs nothing: its write transactions
 * already run one after another.
 */
export async function lockUntilCommit(trx: Knex, name: keyof typeof KEYS): Promise<void> {
  if (isPostgres(trx)) await trx.raw('SELECT pg_advisory_xact_lock(?)', [KEYS[name]]);
}
