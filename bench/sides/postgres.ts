import pg from 'pg';
import { startPostgres } from '../../test/support/postgres-server.ts';
import type { Stage } from '../process/stage.ts';

/** A PostgreSQL server of one side alone, with PostgreSQL's own durability settings: every commit is on disk. */
export interface OwnPostgres {
  readonly url: string;
  /** Process id of the postmaster. */
  readonly pid: number;
  query(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Does what a server that has run for more than a minute has done: statistics, and what the last load left in memory. */
  settle(): Promise<void>;
}

export async function startOwnPostgres(stage: Stage): Promise<OwnPostgres> {
  const server = await startPostgres();
  stage.onClear(() => server.stop());
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  stage.onClear(() => client.end());
  const query: OwnPostgres['query'] = async (sql, values) =>
    (await client.query<Record<string, unknown>>(sql, values ? [...values] : undefined)).rows;
  const [row] = await query("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid");
  return {
    url: server.url,
    pid: Number(row?.['pid']),
    query,
    async settle() {
      await query('ANALYZE');
      await query('CHECKPOINT');
    },
  };
}

/** Version and the settings that decide what a commit costs, as the server reports them. */
export async function durabilityOf({ query }: OwnPostgres): Promise<string> {
  const rows = await query(
    `SELECT name, current_setting(name) AS value FROM pg_settings
     WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'shared_buffers')
     ORDER BY name`,
  );
  const [version] = await query("SELECT current_setting('server_version') AS value");
  const settings = rows.map(({ name, value }) => `${String(name)}=${String(value)}`);
  return [String(version?.['value']), ...settings].join(', ');
}
