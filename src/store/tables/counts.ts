import type { Knex } from 'knex';
import type { Counts } from '../../app/ports/counts.ts';
import { isPostgres, rowsOf } from '../sql/statements.ts';

/** A table whose rows are active until they expire or are ended. */
interface Expiring {
  readonly table: string;
  readonly hasEnded: string;
  /** What has become of a row that has ended. */
  readonly ending: string;
}

const TASKS: Expiring = { table: 'tasks', hasEnded: "state <> 'active'", ending: 'state' };
const TOKENS: Expiring = { table: 'tokens', hasEnded: 'revoked_at IS NOT NULL', ending: "'revoked'" };

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
      ...(await byState(db, TASKS, now)),
    },
    tokens: { active: 0, expired: 0, revoked: 0, ...(await byState(db, TOKENS, now)) },
    revocations: await total(db, 'revocations'),
    auditEvents: await total(db, 'audit_events'),
  };
}

function byState(db: Knex, rows: Expiring, now: number): Promise<Record<string, number>> {
  return isPostgres(db) ? byReading(db, rows, now) : byIndexes(db, rows, now);
}

function byReading(db: Knex, { table, hasEnded, ending }: Expiring, now: number) {
  return grouped(
    db,
    `SELECT CASE WHEN ${hasEnded} THEN ${ending} WHEN expires_at <= ? THEN 'expired' ELSE 'active' END AS label,
       COUNT(*) AS total FROM ${table} GROUP BY 1`,
    now,
  );
}

/**
 * While the embedded database reads, everybody waits. Its index by expiry counts by itself, and few rows have ended before
 * they expired.
 */
function byIndexes(db: Knex, { table, hasEnded, ending }: Expiring, now: number) {
  const unexpired = `(SELECT COUNT(*) FROM ${table} WHERE expires_at > ?)`;
  return grouped(
    db,
    `WITH ended AS (SELECT ${ending} AS label, expires_at > ? AS unexpired, COUNT(*) AS total FROM ${table}
       WHERE ${hasEnded} GROUP BY 1, 2)
     SELECT label, SUM(total) AS total FROM ended GROUP BY 1
     UNION ALL SELECT 'active', ${unexpired} - COALESCE(SUM(total), 0) FROM ended WHERE unexpired
     UNION ALL SELECT 'expired', (SELECT COUNT(*) FROM ${table}) - ${unexpired} - COALESCE(SUM(total), 0)
       FROM ended WHERE NOT unexpired`,
    now,
    now,
    now,
  );
}

async function total(db: Knex, table: string): Promise<number> {
  const [row] = await rowsOf<{ total: number }>(db, `SELECT COUNT(*) AS total FROM ${table}`, []);
  return row?.total ?? 0;
}

async function grouped(db: Knex, sql: string, ...bindings: number[]): Promise<Record<string, number>> {
  const rows = await rowsOf<{ label: string; total: number }>(db, sql, bindings);
  return Object.fromEntries(rows.map(({ label, total }) => [label, total]));
}
