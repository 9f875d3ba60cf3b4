import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { registerAgent } from '../support/parties.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, introspect, open, revoke } from '../support/token-requests.ts';

let postgres: PostgresServer;
let server: TestServer;

beforeAll(async () => {
  postgres = await startPostgres();
  const administrator = new pg.Client({ connectionString: postgres.url });
  await administrator.connect();
  // What was committed is written by and by, when it suits the server.
  await administrator.query("ALTER SYSTEM SET synchronous_commit = 'off'");
  await administrator.query("ALTER SYSTEM SET wal_writer_delay = '10s'");
  await administrator.end();
  await postgres.halt('SIGINT');
  await postgres.resume();
  server = await startServer({ env: { DATABASE_URL: postgres.url, RATE_LIMITS: 'off' } });
});
afterAll(async () => {
  await server?.stop();
  await postgres?.stop();
});

test('a PostgreSQL that may answer before it has written still loses nothing that was answered', async () => {
  const agent = await registerAgent(server);
  const [kept, ended] = [await open(server, agent), await open(server, agent)];
  expect((await revoke(server, agent, ended.token)).status).toBe(200);
  await postgres.halt('SIGQUIT');
  await postgres.resume();
  while ((await send(server, '/health/ready')).status !== 200) await setTimeout(20);
  expect((await introspect(server, ADMIN, kept.token)).active).toBe(true);
  expect(await introspect(server, ADMIN, ended.token)).toEqual({ active: false });
});
