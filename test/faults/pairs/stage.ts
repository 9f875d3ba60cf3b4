import type { Knex } from 'knex';
import { connect } from '../../../src/store/database.ts';
import type { RunningServer } from '../../support/server.ts';
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts';
import { startNodeProcesses } from '../node-processes.ts';

/** What is played on: where requests go to, and who may be killed. */
export interface Stage {
  readonly front: RunningServer;
  readonly each: readonly RunningServer[];
  readonly processes: readonly ServerProcess[];
  readonly db: Knex;
  stop(): Promise<void>;
}

const ENV = { RATE_LIMITS: 'off' };

async function onSqlite(): Promise<Stage> {
  const server = await startServerProcess({ env: ENV });
  const db = connect({ dataDir: server.dataDir, poolMax: 2 });
  const stop = async () => {
    await db.destroy();
    await server.stop();
  };
  return { front: server, each: [server], processes: [server], db, stop };
}

/** Requests go to one after the other. */
async function onPostgres(): Promise<Stage> {
  const nodes = await startNodeProcesses(2, { env: ENV });
  const db = connect({ databaseUrl: nodes.databaseUrl, dataDir: '', poolMax: 2 });
  const stop = async () => {
    await db.destroy();
    await nodes.stop();
  };
  return { ...nodes, db, stop };
}

export const STAGES = { SQLite: onSqlite, 'PostgreSQL, one of two servers': onPostgres } as const;
