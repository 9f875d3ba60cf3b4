import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ADMIN, clientCredentials, introspect, open, revoke } from '../support/token-requests.ts';
import { startSwitch, type Switch } from './switch.ts';

let primary: PostgresServer;
let standby: PostgresServer;
let address: Switch;
let server: TestServer;
let agent: AgentParty;
let replica: pg.Client;

beforeAll(async () => {
  primary = await startPostgres();
  standby = await primary.standby();
  address = await startSwitch(primary.url);
  server = await startServer({ env: { DATABASE_URL: address.url, RATE_LIMITS: 'off' } });
  agent = await registerAgent(server);
  replica = new pg.Client({ connectionString: standby.url });
  await replica.connect();
});
afterAll(async () => {
  await server?.stop();
  await address?.close();
  await replica?.end();
  await standby?.stop();
  await primary?.stop();
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const late = Date.now() + 10_000; !(await holds()); await setTimeout(20)) {
    if (Date.now() > late) throw new Error('it does not become so');
  }
}

test('a standby that lags behind is not asked; promoted, it serves with all that it was told', async () => {
  const [kept, ended] = [await open(server, agent), await open(server, agent)];
  await until(async () => {
    const { rows } = await replica.query('SELECT token_id FROM tokens WHERE token_id = $1', [ended.tokenId]);
    return rows.length === 1;
  });
  await replica.query('SELECT pg_wal_replay_pause()');
  expect((await revoke(server, agent, ended.token)).status).toBe(200);

  address.to(standby.url);
  for (let i = 0; i < 5; i += 1) {
    expect((await send(server, '/health/ready')).status).toBe(503);
    expect((await clientCredentials(server, agent, pkce().parameters)).status).toBe(503);
    const asked = await postForm(server, '/api/oauth/introspect', { token: ended.token }, ADMIN.headers);
    expect([asked.status, asked.body.error ?? asked.body.active]).toEqual([503, 'temporarily_unavailable']);
  }

  await replica.query('SELECT pg_wal_replay_resume()');
  await primary.halt('SIGINT');
  await replica.query('SELECT pg_promote()');
  await until(async () => (await send(server, '/health/ready')).status === 200);
  expect(await introspect(server, ADMIN, ended.token)).toEqual({ active: false });
  expect((await introspect(server, ADMIN, kept.token)).active).toBe(true);
  await open(server, agent);
});
