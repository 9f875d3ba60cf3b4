import type { Knex } from 'knex';
import type { Logger } from '../../app/ports.ts';
import { KEYS } from '../sql/locks.ts';
import type { PgClient } from '../connection/postgres-bounds.ts';
import { isPostgres } from '../sql/statements.ts';

interface CountingIndex {
  readonly name: string;
  readonly table: string;
  /** What is indexed and, beside it, what is counted by. */
  on(db: Knex): string;
  /** The index that it takes the place of. */
  readonly replaces: { readonly name: string; readonly columns: string };
}

/** Indexes that hold all that counting the tokens below a task reads (tokens.ts). */
export const COUNTING_INDEXES: readonly CountingIndex[] = [
  {
    name: 'tasks_below',
    table: 'tasks',
    on: (db) => (isPostgres(db) ? '(path) INCLUDE (handle)' : '(path, handle)'),
    replaces: { name: 'tasks_path', columns: 'path' },
  },
  {
    name: 'tokens_of_task',
    table: 'tokens',
    on: (db) =>
      isPostgres(db)
        ? '(task_handle, issued_at, token_id) INCLUDE (expires_at)'
        : '(task_handle, issued_at, token_id, expires_at)',
    replaces: { name: 'tokens_task', columns: 'task_handle, issued_at, token_id' },
  },
];

/**
 * Builds what the migration has left to the servers: on PostgreSQL, where the tables had rows. It blocks nobody, and
 * nobody waits for it; one node does it. Whatever ends it half-way, the next start begins it anew.
 */
export async function buildCountingIndexes(
  db: Knex,
  { log, signal }: { readonly log: Pick<Logger, 'warn'> | undefined; readonly signal: AbortSignal },
): Promise<void> {
  try {
    await onOneConnection(db, signal, async (query) => {
      const [session] = await query<{ mine: boolean }>(
        `SELECT pg_try_advisory_lock(${KEYS.indexes}) AS mine`,
      );
      if (!session?.mine) return;
      for (const index of COUNTING_INDEXES) await build(db, index, query);
      await query(`SELECT pg_advisory_unlock(${KEYS.indexes})`);
    });
  } catch (error) {
    if (!signal.aborted)
      log?.warn('an index was not built; the next start tries again', { error: String(error) });
  }
}

type Query = <R>(sql: string) => Promise<readonly R[]>;

async function build(db: Knex, { name, table, on, replaces }: CountingIndex, query: Query): Promise<void> {
  const [found] = await query<{ valid: boolean }>(
    `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('${name}')`,
  );
  if (found?.valid !== true) {
    // What an interrupted build has left behind serves no query, but costs every write.
    await query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
    await query(`CREATE INDEX CONCURRENTLY ${name} ON ${table} ${on(db)}`);
  }
  await query(`DROP INDEX CONCURRENTLY IF EXISTS ${replaces.name}`);
}

/** An aborted signal cuts the connection. What PostgreSQL is building then it finishes, and keeps the lock as long. */
async function onOneConnection(
  db: Knex,
  signal: AbortSignal,
  work: (query: Query) => Promise<void>,
): Promise<void> {
  const connection: PgClient = await db.client.acquireConnection();
  const cut = () => void connection.connection.stream.destroy(new Error('the server stops'));
  signal.addEventListener('abort', cut);
  try {
    await work(async <R>(sql: string) => {
      signal.throwIfAborted();
      const { rows } = await db.raw<{ rows: R[] }>(sql).connection(connection);
      return rows;
    });
  } finally {
    signal.removeEventListener('abort', cut);
    await db.client.releaseConnection(connection);
  }
}
