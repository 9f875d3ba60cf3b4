import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { loadMigrations, migrateUp } from '../../src/store/schema/migrate.ts';
import { type Release, SETTINGS_OF_BEFORE, unpackRelease } from '../releases/release.ts';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import {
  administer,
  type AgentParty,
  asAdmin,
  createPerson,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { postJson, send } from '../support/requests.ts';
import type { RunningServer } from '../support/server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import {
  ADMIN,
  clientCredentials,
  delegate,
  derive,
  introspect,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';
import { type Load, startLoad, wrongRefusals } from './load.ts';
import { type RoundRobin, startRoundRobin } from './round-robin.ts';

const GRANTS = ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE];
/** What the release after this one may do: a new column in every table that there is. */
const A_LATER_ONE = {
  name: '99990101000000_add_everywhere.ts',
  async up(knex: Knex) {
    const tables = await knex('information_schema.tables')
      .where({ table_schema: 'public', table_type: 'BASE TABLE' })
      .whereNot('table_name', 'like', 'knex_%')
      .pluck('table_name');
    for (const table of tables) {
      await knex.schema.alterTable(table, (t) => void t.text('of_a_later_release'));
    }
  },
  async down() {},
};

function refresh(server: RunningServer, { agent, verifier, body }: OpenTask) {
  const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, code_verifier: verifier };
  return requestToken(server, agent, form);
}

/** Waits until so many more tokens were issued. @throws Error when that takes 20 seconds. */
async function more({ tokens }: Load, count: number): Promise<void> {
  const wanted = tokens.length + count;
  for (const late = Date.now() + 20_000; tokens.length < wanted; await setTimeout(20)) {
    if (Date.now() > late) throw new Error(`${wanted - tokens.length} of ${count} tokens are missing`);
  }
}

const keysOf = async (server: RunningServer): Promise<unknown[]> =>
  (await send(server, '/api/oauth/jwks')).body.keys;

/** Waits until a server publishes so many keys. @throws Error when it has not noticed them in 6 seconds. */
async function untilItPublishes(server: RunningServer, count: number): Promise<void> {
  const late = Date.now() + 6000;
  for (let keys = await keysOf(server); keys.length !== count; keys = await keysOf(server)) {
    if (Date.now() > late) throw new Error(`${server.issuer} publishes ${keys.length} keys, not ${count}`);
    await setTimeout(50);
  }
}

/** Requests that were not answered, or refused without a reason. */
function lost(load: Load): unknown[] {
  const unanswered = load.failures.filter(({ answer }) => answer === undefined || answer.status >= 500);
  return [...wrongRefusals(load), ...unanswered];
}

let release: Release;
beforeAll(() => {
  release = unpackRelease();
});
afterAll(() => release.remove());

describe('a rolling upgrade on PostgreSQL', () => {
  let database: TestDatabase;
  let knex: Knex;
  let balancer: RoundRobin;
  let front: RunningServer;
  let before: ServerProcess;
  let after: ServerProcess;
  let old: RunningServer;
  let young: RunningServer;
  let agent: AgentParty;
  let helper: AgentParty;
  let browser: BrowserSession;
  let earlier: { task: OpenTask; child: OpenTask; ofPerson: OpenTask; ended: OpenTask };
  let env: Record<string, string>;

  beforeAll(async () => {
    database = await createDatabase('nothing');
    knex = connect({ databaseUrl: database.url, dataDir: ':memory:', poolMax: 2 });
    balancer = await startRoundRobin();
    const { issuer } = balancer;
    front = { issuer, address: issuer, apiAudience: `${issuer}/api`, clock: Date };
    env = { ISSUER: issuer, ENCRYPTION_KEY: randomBytes(32).toString('base64url'), RATE_LIMITS: 'off' };
    before = await startServerProcess({
      main: release.main,
      databaseUrl: database.url,
      env,
      settings: SETTINGS_OF_BEFORE,
    });
    balancer.to([before.address]);
    old = { ...front, issuer: before.address };
    agent = await registerAgent(front, { redirect_uris: [CALLBACK], grant_types: GRANTS });
    helper = await registerAgent(front);
    browser = browserOf(front, await createPerson(front));
    const task = await open(front, agent, { delegates: helper.clientId });
    const ended = await open(front, agent);
    earlier = {
      task,
      child: await derive(front, task),
      ofPerson: await authorize(front, { agent, browser, form: { scope: 'reports:read' } }),
      ended,
    };
    await revoke(front, agent, ended.token);
  });

  afterAll(async () => {
    await knex.destroy();
    await after?.stop();
    await before?.stop();
    await balancer.close();
    await database.drop();
  });

  test('the schema is migrated while servers of the release before answer every request', async () => {
    const load = startLoad(front, { agent, clients: 4 });
    await more(load, 20);
    await migrateUp(knex);
    await more(load, 20);
    // And what may come after: an older release must not mind either.
    await migrateUp(knex, [...(await loadMigrations()), A_LATER_ONE]);
    await more(load, 40);
    await load.stop();
    expect(lost(load)).toEqual([]);
  });

  test('a server of this release starts beside it', async () => {
    after = await startServerProcess({ databaseUrl: database.url, env });
    young = { ...front, issuer: after.address };
    balancer.to([before.address, after.address]);
    const load = startLoad(front, { agent, clients: 4 });
    await more(load, 60);
    await load.stop();
    expect(lost(load)).toEqual([]);
  });

  const both = () => [
    { here: old, there: young },
    { here: young, there: old },
  ];

  test('what was issued before is as good, or as ended, at both', async () => {
    for (const { here } of both()) {
      for (const { token } of [earlier.task, earlier.child, earlier.ofPerson]) {
        expect(await introspect(here, ADMIN, token)).toMatchObject({ active: true });
      }
      expect(await introspect(here, ADMIN, earlier.ended.token)).toEqual({ active: false });
      expect((await refresh(here, earlier.child)).status).toBe(200);
      const joined = { task_id: earlier.task.taskId, code_verifier: earlier.task.verifier };
      expect((await clientCredentials(here, agent, joined)).status).toBe(200);
    }
  });

  test('what one issues the other accepts, extends and ends', async () => {
    for (const { here, there } of both()) {
      const task = await open(here, agent, { delegates: helper.clientId });
      const child = await derive(there, task);
      const grandchild = await derive(here, child);
      const ofHelper = await delegate(there, task, helper);
      for (const { token } of [task, child, grandchild, ofHelper]) {
        for (const node of [here, there]) {
          expect(await introspect(node, ADMIN, token)).toMatchObject({ active: true });
        }
      }
      const renewed = await refresh(there, task);
      expect(renewed.status).toBe(200);
      expect(await introspect(here, ADMIN, renewed.body.access_token)).toMatchObject({ active: true });
      expect((await revoke(there, agent, child.token)).body.revoked).toBe(true);
      for (const node of [here, there]) {
        expect(await introspect(node, ADMIN, grandchild.token)).toEqual({ active: false });
        expect(await introspect(node, ADMIN, task.token)).toMatchObject({ active: true });
      }
      expect((await administer(here, 'POST', `/api/tasks/${task.taskId}/revoke`, {})).state).toBe('revoked');
      for (const node of [here, there]) {
        for (const { token } of [task, ofHelper, { token: renewed.body.access_token }]) {
          expect(await introspect(node, ADMIN, token)).toEqual({ active: false });
        }
      }
    }
  });

  test('a person signs in and consents behind both, and either redeems the code, once', async () => {
    for (const { here, there } of both()) {
      const code = await getCode(front, { agent, browser, form: { scope: 'reports:read' } });
      const redeemed = await redeemCode(here, agent, code);
      expect(redeemed.status).toBe(200);
      expect(await introspect(there, ADMIN, redeemed.body.access_token)).toMatchObject({ active: true });
      expect((await redeemCode(there, agent, code)).body.error).toBe('invalid_grant');
      expect(await introspect(here, ADMIN, redeemed.body.access_token)).toEqual({ active: false });
    }
  });

  test('either is administered, and the other knows', async () => {
    for (const { here, there } of both()) {
      const own = await registerAgent(here);
      const task = await open(there, own);
      const api = await registerResourceServer(here);
      const forApi = await open(there, agent, { resource: api.audience });
      expect(await introspect(there, api, forApi.token)).toMatchObject({ active: true });
      await administer(here, 'PUT', `/api/agents/${own.clientId}`, { max_depth: 3 });
      await administer(there, 'POST', `/api/agents/${own.clientId}/suspend`, {});
      expect(await introspect(here, ADMIN, task.token)).toEqual({ active: false });
      expect((await clientCredentials(here, own)).status).toBe(400);
      for (const path of [
        '/api/admin/tasks',
        '/api/admin/tokens',
        '/api/admin/users',
        '/api/agents/list',
        '/api/admin/resource-servers',
        '/api/admin/stats/dashboard',
        `/api/admin/tokens/search?client_id=${agent.clientId}&is_valid=true`,
        `/api/admin/audit/logs?client_id=${agent.clientId}`,
        `/api/admin/audit/task-chain/${earlier.child.taskId}`,
        `/api/tasks/${earlier.task.taskId}/tree`,
      ]) {
        expect({ path, status: (await asAdmin(here, 'GET', path)).status }).toEqual({ path, status: 200 });
      }
    }
  });

  test('the keys of either verify at both, when a newer one signs', async () => {
    const rotate = (main: string) =>
      execFileSync(process.execPath, [main, 'keys', 'rotate'], {
        env: {
          ...process.env,
          ...env,
          NODE_ENV: 'test',
          DATABASE_URL: database.url,
          KEY_PUBLISH_AHEAD: '0',
        },
        stdio: 'pipe',
      });
    rotate(new URL('../../src/cli/main.ts', import.meta.url).pathname);
    for (const node of [old, young]) await untilItPublishes(node, 2);
    for (const { here, there } of both()) {
      const { token } = await open(here, agent);
      expect(decodeProtectedHeader(token).kid).not.toBe(decodeProtectedHeader(earlier.task.token).kid);
      expect(await introspect(there, ADMIN, token)).toMatchObject({ active: true });
      expect(await keysOf(here)).toHaveLength(2);
    }
  });

  test('the release before cleans up the schema of this one', async () => {
    const script = `
      const { connect } = await import(${JSON.stringify(release.path('src/store/database.ts'))});
      const { cleanup } = await import(${JSON.stringify(release.path('src/store/cleanup.ts'))});
      const knex = connect({ databaseUrl: process.env.URL, dataDir: ':memory:', poolMax: 1 });
      const now = Date.now() - 3600_000;
      console.log(await cleanup(knex).removeExpired({ now, tokens: now, tasks: now, audit: now }, 500));
      await knex.destroy();`;
    const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
    const printed = execFileSync(process.execPath, args, { env: { ...process.env, URL: database.url } });
    expect(printed.toString().trim()).toBe('0');
  });

  test('what is new works beside the release before, on the schema of a later one', async () => {
    const role = { name: 'auditor', permissions: ['reports:read'] };
    await administer(young, 'POST', '/api/admin/roles', role);
    const noted = { permission: 'crm:notes:read', description: 'Read notes' };
    await administer(young, 'POST', '/api/admin/permissions', noted);
    const { agent_id: id, api_key: apiKey } = await administer(young, 'POST', '/agents/register', {
      name: 'Keyed',
      owner_email: 'owner@example.com',
      permissions: [noted.permission],
    });
    await administer(young, 'PUT', `/api/admin/roles/auditor/agents/${id}`);
    const hook = { url: 'https://hooks.example.com/', events: ['agent.verified'], agent_id: id };
    const { webhook } = await administer(young, 'POST', '/webhooks', hook);
    const opened = await postJson(young, '/agents/verify', { agent_id: id, api_key: apiKey });
    expect(opened.body.token.scope).toBe('crm:notes:read reports:read');
    for (const node of [old, young]) {
      const seen = await introspect(node, ADMIN, opened.body.token.access_token);
      expect(seen).toMatchObject({ active: true, scope: 'crm:notes:read reports:read' });
    }
    const { deliveries } = await administer(young, 'GET', `/webhooks/${webhook.id}/deliveries`);
    expect(deliveries).toMatchObject([{ event: 'agent.verified' }]);
    const key = { 'idempotency-key': randomBytes(16).toString('hex') };
    const twice = [1, 2].map(() => postJson(young, '/api/agents/register', { agent_name: 'Twice' }, key));
    const [first, second] = await Promise.all(twice);
    expect([first?.status, second?.text]).toEqual([201, first?.text]);
    // What the release before does ends it here, too.
    await administer(old, 'POST', `/api/agents/${id}/suspend`, {});
    const again = await postJson(young, '/agents/verify', { agent_id: id, api_key: apiKey });
    expect([again.status, again.body.code]).toEqual([403, 'agent_not_active']);
  });

  test('the one before ends, and nothing is missed', async () => {
    const last = await open(old, agent);
    balancer.to([after.address]);
    before.signal('SIGTERM');
    await before.exited();
    expect(await introspect(front, ADMIN, last.token)).toMatchObject({ active: true });
    expect((await refresh(front, last)).status).toBe(200);
    expect(await introspect(front, ADMIN, earlier.task.token)).toMatchObject({ active: true });
    expect((await derive(front, earlier.task)).taskId).toEqual(expect.any(String));
  });
});
