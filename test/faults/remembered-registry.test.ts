import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  administer,
  type AgentParty,
  asAdmin,
  pkce,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import { basic } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import {
  clientCredentials,
  introspect,
  open,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';
import { type Nodes, startNodes } from './nodes.ts';

/**
 * A server remembers who is registered and what they may do. Whatever an administrator changes at one node must be so
 * for the very next request at the other one, which has just served that agent.
 */
describe('what one node remembers and another one changes', () => {
  let nodes: Nodes;
  let here: TestServer;
  let there: TestServer;
  let agent: AgentParty;
  beforeAll(async () => {
    nodes = await startNodes('PostgreSQL');
    [here, there] = nodes.each as [TestServer, TestServer];
  });
  afterAll(() => nodes.stop());

  /** An agent that `here` has served, so that it is remembered there. */
  async function known(): Promise<AgentParty> {
    agent = await registerAgent(there, { grant_types: ['client_credentials', TOKEN_EXCHANGE] });
    await open(here, agent);
    expect((await ask({ scope: 'reports:write' })).status).toBe(200);
    return agent;
  }
  const ask = (form: Record<string, string> = {}, party = agent) =>
    clientCredentials(here, party, { ...pkce().parameters, ...form });
  const change = (method: string, door: string, body: Record<string, unknown> = {}) =>
    administer(there, method, `/api/agents/${agent.clientId}${door}`, body);

  test('fewer rights: the wider scope is refused', async () => {
    await known();
    await change('PUT', '', { permissions: ['reports:read'] });
    expect((await ask({ scope: 'reports:write' })).body).toMatchObject({ error: 'invalid_scope' });
    expect((await ask({ scope: 'reports:read' })).status).toBe(200);
  });

  test('more rights: the wider scope is granted', async () => {
    await known();
    expect((await ask({ scope: 'files:read' })).body).toMatchObject({ error: 'invalid_scope' });
    await change('PUT', '', { permissions: ['reports:read', 'reports:write', 'files:read'] });
    expect((await ask({ scope: 'files:read' })).status).toBe(200);
  });

  test('a role: granted by it at once, and refused at once when it is changed, taken back or deleted', async () => {
    await known();
    const support = `support-${Date.now()}`;
    const roles = (method: string, path: string, body?: Record<string, unknown>) =>
      administer(there, method, `/api/admin/roles${path}`, body);
    const member = `/${support}/agents/${agent.clientId}`;
    const refused = { error: 'invalid_scope' };
    expect((await ask({ scope: 'zendesk:tickets:read' })).body).toMatchObject(refused);
    await roles('POST', '', { name: support, permissions: ['zendesk:tickets:*'] });
    await roles('PUT', member);
    expect((await ask({ scope: 'zendesk:tickets:read' })).status).toBe(200);
    await roles('PUT', `/${support}`, { permissions: ['zendesk:users:*'] });
    expect((await ask({ scope: 'zendesk:tickets:read' })).body).toMatchObject(refused);
    expect((await ask({ scope: 'zendesk:users:read' })).status).toBe(200);
    await roles('DELETE', member);
    expect((await ask({ scope: 'zendesk:users:read' })).body).toMatchObject(refused);
    await roles('PUT', member);
    expect((await ask({ scope: 'zendesk:users:read' })).status).toBe(200);
    await roles('DELETE', `/${support}`);
    expect((await ask({ scope: 'zendesk:users:read' })).body).toMatchObject(refused);
  });

  test('a role taken back while tasks are opened: none that starts afterwards has its rights', async () => {
    await known();
    const role = `late-${Date.now()}`;
    await administer(there, 'POST', '/api/admin/roles', { name: role, permissions: ['files:read'] });
    const member = `/api/admin/roles/${role}/agents/${agent.clientId}`;
    await administer(there, 'PUT', member);
    expect((await ask({ scope: 'files:read' })).status).toBe(200);
    let taken = false;
    const taking = administer(there, 'DELETE', member).then(() => {
      taken = true;
    });
    const answers = [];
    for (let i = 0; i < 30; i += 1) {
      const before = taken;
      const both = await Promise.all([ask({ scope: 'files:read' }), ask({ scope: 'files:read' })]);
      answers.push(...both.map((answer) => ({ before, ...answer })));
    }
    await taking;
    const late = answers.filter(({ before }) => before);
    expect(late.length).toBeGreaterThan(0);
    for (const { body } of late) expect(body).toMatchObject({ error: 'invalid_scope' });
  });

  test('another secret: the old one is worth nothing at once, the new one is taken at once', async () => {
    await known();
    const { client_secret: secret } = await change('POST', '/rotate-secret', { immediate: true });
    expect(await ask()).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await ask({}, { ...agent, headers: basic(agent.clientId, secret) })).status).toBe(200);
  });

  test('a suspension: refused, and taken back: served', async () => {
    await known();
    await change('POST', '/suspend', { reason: 'odd behaviour' });
    expect((await ask()).body).toMatchObject({ error: 'unauthorized_client' });
    await change('POST', '/reactivate');
    expect((await ask()).status).toBe(200);
  });

  test('an audience that was given away: no more tokens for it, and its old owner sees none', async () => {
    await known();
    const api = await registerResourceServer(there);
    const issued = await ask({ resource: api.audience });
    expect(issued.status).toBe(200);
    expect((await introspect(here, api, issued.body.access_token)).active).toBe(true);
    const { status } = await asAdmin(there, 'PUT', `/api/admin/resource-servers/${api.clientId}`, {
      audiences: ['https://elsewhere.example'],
    });
    expect(status).toBe(200);
    expect((await ask({ resource: api.audience })).body).toMatchObject({ error: 'invalid_target' });
    expect(await introspect(here, api, issued.body.access_token)).toEqual({ active: false });
  });

  test('something that matters to nobody who asks: one introspection is enough to remember what is registered now', async () => {
    await known();
    const api = await registerResourceServer(there);
    const { body } = await ask({ resource: api.audience });
    const { registry } = here.taskgrant.store;
    await registerAgent(there);
    const { version } = await registry.remembered();
    expect((await introspect(here, api, body.access_token)).active).toBe(true);
    expect((await registry.remembered()).version).toBeGreaterThan(version);
    expect((await introspect(here, api, body.access_token)).active).toBe(true);
  });

  test('rights taken away while children are derived: no child is wider than what was left when it was made', async () => {
    await known();
    const root = await open(here, agent, { scope: 'reports:read reports:write' });
    let changed = false;
    const changing = change('PUT', '', { permissions: ['reports:read'] }).then(() => {
      changed = true;
    });
    const answers = [];
    for (let i = 0; i < 30; i += 1) {
      const before = changed;
      const answer = await tokenExchange(here, agent, root.token, {
        code_verifier: root.verifier,
        scope: 'reports:write',
      });
      answers.push({ before, ...answer });
    }
    await changing;
    const late = answers.filter(({ before }) => before);
    expect(late.length).toBeGreaterThan(0);
    for (const { body } of late) expect(body).toMatchObject({ error: 'invalid_scope' });
  });
});
