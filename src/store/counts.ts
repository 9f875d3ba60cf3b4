import type { Knex } from 'knex';
import type { Counts } from '../app/ports/counts.ts';
import { rowsOf } from './statements.ts';

/** Whole-table numbers for dashboards: tasks and tokens by their own rows, without the ledger. */
export async function counts(db: Knex, now: number): Promise<Counts> {
  return {
    agents: {
      pending: 0,
      active: 0,
      suspended: 0,
      revoked: 0,
      ...(await grouped(
        db,
        `SELECT state AS label, COUNT(*) AS total FROM agents WHERE deleted_at IS NULL GROUP BY 1`,
      )),
    },
    users: await total(db, 'users'),
    resourceServers: await total(db, 'resource_servers'),
    tasks: {
      active: 0,
      completed: 0,
      failed: 0,
      revoked: 0,
      expired: 0,
      ...(await grouped(
        db,
        `SELECT CASE WHEN state = 'active' AND expires_at <= ? THEN 'expired' ELSE state END AS label,
         COUNT(*) AS total FROM tasks GROUP BY 1`,
        now,
      )),
    },
    tokens: {
      active: 0,
      expired: 0,
      revoked: 0,
      ...(await grouped(
        db,
        `SELECT CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= ? THEN 'expired' ELSE 'active' END
         AS label, COUNT(*) AS total FROM tokens GROUP BY 1`,
        now,
      )),
    },
    revocations: await total(db, 'revocations'),
    auditEvents: await total(db, 'audit_events'),
  };
}

async function total(db: Knex, table: string): Promise<number> {
  const [row] = await rowsOf<{ total: number }>(db, `SELECT COUNT(*) AS total FROM ${table}`, []);
  return row?.total ?? 0;
}

async function grouped(db: Knex, sql: string, ...bindings: number[]): Promise<Record<string, number>> {
  const rows = await rowsOf<{ label: string; total: number }>(db, sql, bindings);
  return Object.fromEntries(rows.map(({ label, total }) => [label, total]));
}
