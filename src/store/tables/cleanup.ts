import type { Knex } from 'knex';
import type { Cleanup, RetentionCutoffs } from '../../app/ports/cleanup.ts';
import { isPostgres, rowsOf } from '../sql/statements.ts';

interface Retained {
  readonly table: string;
  /** Column of the time that decides, which has an index of its own or is the first of one. */
  readonly ended: string;
  readonly before: (cutoffs: RetentionCutoffs) => number;
  /** What must not be there any more; it says `old` for the row and `:now` for the time. */
  readonly unless?: readonly string[];
}

/**
 * Tokens come before tasks, whose rows they need. Not here: task ids, which are never used again (R3), and what
 * administrators delete themselves.
 */
export const RETAINED: readonly Retained[] = [
  { table: 'oidc_artifacts', ended: 'expires_at', before: ({ now }) => now },
  { table: 'registration_tokens', ended: 'expires_at', before: ({ now }) => now },
  { table: 'idempotency_records', ended: 'expires_at', before: ({ now }) => now },
  { table: 'client_secrets', ended: 'expires_at', before: ({ now }) => now },
  { table: 'api_key_tasks', ended: 'expires_at', before: ({ now }) => now },
  {
    table: 'api_keys',
    ended: 'expires_at',
    // Shown among the keys of an agent for a while.
    before: ({ tokens }) => tokens,
    // Revoking it must still end what it opened, however long ago it expired.
    unless: ['SELECT 1 FROM api_key_tasks opened WHERE opened.key_id = old.key_id'],
  },
  {
    table: 'tokens',
    ended: 'expires_at',
    before: ({ tokens }) => tokens,
    // Revoking it must still end what was derived through it (R2), however long ago it expired.
    unless: [
      // `parent_handle IS NOT NULL` lets the partial index be used.
      `SELECT 1 FROM tasks living WHERE living.parent_token_id = old.token_id AND living.parent_handle IS NOT NULL
         AND living.expires_at > :now`,
      'SELECT 1 FROM tasks living WHERE living.handle = old.redeemed_as AND living.expires_at > :now',
    ],
  },
  {
    table: 'tasks',
    ended: 'expires_at',
    // A token expires with its task at the latest, so its row keeps the task's as long as it is kept itself.
    before: ({ tasks, tokens }) => Math.min(tasks, tokens),
    unless: [
      'SELECT 1 FROM tokens WHERE tokens.task_handle = old.handle',
      // A lineage is shown whole: a child that is still kept keeps its parent.
      'SELECT 1 FROM tasks child WHERE child.parent_handle = old.handle',
    ],
  },
  {
    table: 'revocations',
    ended: 'expires_at',
    before: ({ now }) => now,
    // Followers of the ledger are told its last number, which must not go down.
    unless: [
      `SELECT 1 FROM revocations newest
       WHERE newest.seq = old.seq AND newest.seq = (SELECT MAX(seq) FROM revocations)`,
    ],
  },
  { table: 'status_lists', ended: 'expires_at', before: ({ now }) => now },
  { table: 'rate_limits', ended: 'resets_at', before: ({ now }) => now },
  // Pending ones too: what was not delivered in all that time is not waited for any more.
  { table: 'webhook_deliveries', ended: 'created_at', before: ({ webhooks }) => webhooks },
  { table: 'audit_events', ended: 'at', before: ({ audit }) => audit },
];

export function cleanup(db: Knex): Cleanup {
  return {
    tables: RETAINED.map(({ table }) => table),
    async commonTime() {
      if (!isPostgres(db)) return undefined;
      const sql = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now';
      const [row] = await rowsOf<{ now: number }>(db, sql, []);
      return row?.now;
    },
    async removeExpired(table, cutoffs, { from, most }) {
      const { sql, bindings } = removal(db, table, cutoffs, { from, most });
      const rows = await rowsOf<{ ended: number }>(db, sql, bindings);
      return { removed: rows.length, upTo: rows.reduce((latest, row) => Math.max(latest, row.ended), from) };
    },
  };
}

interface Part {
  readonly from: number;
  readonly most: number;
}

/**
 * The statement that removes a part of a table; it answers when each of the removed rows ended. On PostgreSQL several
 * nodes remove different rows, and nobody waits for anybody.
 */
export function removal(db: Knex, table: string, cutoffs: RetentionCutoffs, { from, most }: Part) {
  const retained = RETAINED.find((one) => one.table === table);
  if (!retained) throw new Error(`${table} is not cleaned up`);
  const { ended, before, unless = [] } = retained;
  const conditions = unless.map((condition) => ` AND NOT EXISTS (${condition.replace(':now', '?')})`);
  const row = isPostgres(db) ? 'ctid' : 'rowid';
  const some = `SELECT old.${row} FROM ${table} old
    WHERE old.${ended} >= ? AND old.${ended} < ?${conditions.join('')} ORDER BY old.${ended} LIMIT ?`;
  const those = isPostgres(db)
    ? `ctid = ANY(ARRAY(${some} FOR UPDATE OF old SKIP LOCKED))`
    : `rowid IN (${some})`;
  const times = unless.filter((condition) => condition.includes(':now')).map(() => cutoffs.now);
  return {
    sql: `DELETE FROM ${table} WHERE ${those} RETURNING ${ended} AS ended`,
    bindings: [from, before(cutoffs), ...times, most],
  };
}
