import pg from 'pg';
import { startPostgres } from '../../test/support/postgres-server.ts';
import type { Stage } from '../process/stage.ts';

/** A PostgreSQL server of one side alone, with PostgreSQL's own durability settings: every commit is on disk. */
export interface OwnPostgres {
  readonly url: string;
  /** Process id of the postmaster. */
  readonly pid: number;
  query(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Writes out what the last load has left in memory. */
  checkpoint(): Promise<void>;
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
    async checkpoint() {
      await query('CHECKPOINT');
    },
  };
}
