import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { KEYS } from '../../src/store/sql/locks.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';

let database: TestDatabase;
let client: pg.Client;
let server: ServerProcess | undefined;

beforeEach(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client?.end();
  await server?.stop();
  await database?.drop();
});

/** A server that has begun to start, and goes on when the client is told to let it. */
async function startHeldUp(args: readonly string[]): Promise<ServerProcess> {
  server = await startServerProcess({ databaseUrl: database.url, args });
  await server.kill();
  await client.query('SELECT pg_advisory_lock($1)', [KEYS.migrations]);
  void server.start().catch(() => 'told to end before it was ready');
  const waits =
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
  while ((await client.query(waits)).rowCount === 0) await setTimeout(20);
  return server;
}

const letItGoOn = () => client.query('SELECT pg_advisory_unlock($1)', [KEYS.migrations]);

test.each([
  ['a server', []],
  ['a primary', ['--workers', '2']],
])('%s that is told to end while it starts drains when it has started', async (_, args) => {
  const starting = await startHeldUp(args);
  starting.signal('SIGTERM');
  await letItGoOn();
  expect(await starting.exited()).toEqual({ code: 0, signal: null });
  const messages = logEntries(starting, 'app.log').map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringMatching(/^draining/));
});

test('servers whose terminal is closed drain, and take that for no second signal', async () => {
  server = await startServerProcess({ databaseUrl: database.url, args: ['--workers', '2'] });
  const entries = logEntries(server, 'app.log');
  const workers = entries.flatMap(({ message, pid }) => (message === 'worker listening' ? [pid] : []));
  server.signal('SIGTERM');
  for (const pid of [server.pid, ...workers]) process.kill(pid as number, 'SIGHUP');
  expect(await server.exited()).toEqual({ code: 0, signal: null });
});

test('one that is told so twice does not wait for its start', async () => {
  const starting = await startHeldUp([]);
  starting.signal('SIGINT');
  starting.signal('SIGTERM');
  expect(await starting.exited()).toEqual({ code: 1, signal: null });
});
