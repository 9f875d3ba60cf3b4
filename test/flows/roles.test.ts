import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import { administer, type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  derive,
  open,
  type OpenTask,
  requestToken,
  TOKEN_EXCHANGE,
  tokenExchange,
} from '../support/token-requests.ts';

const GRANTS = ['client_credentials', 'authorization_code', 'refresh_token', TOKEN_EXCHANGE];
const TICKETS = 'zendesk:tickets:read';

let server: TestServer;
let made = 0;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

/** A role of its own with these permissions. */
async function aRole(permissions: readonly string[]) {
  made += 1;
  const name = `role-${made}`;
  await administer(server, 'POST', '/api/admin/roles', { name, permissions });
  const member = (method: 'PUT' | 'DELETE') => (kind: 'agents' | 'users', id: string) =>
    administer(server, method, `/api/admin/roles/${name}/${kind}/${encodeURIComponent(id)}`);
  return {
    name,
    give: member('PUT'),
    take: member('DELETE'),
    set: (changed: readonly string[]) =>
      administer(server, 'PUT', `/api/admin/roles/${name}`, { permissions: changed }),
  };
}

const anAgent = () =>
  registerAgent(server, {
    permissions: ['reports:read'],
    grant_types: GRANTS,
    redirect_uris: [CALLBACK],
  });
const ask = (agent: AgentParty, scope?: string) =>
  clientCredentials(server, agent, { ...pkce().parameters, ...(scope === undefined ? {} : { scope }) });

function refresh({ agent, verifier, body }: OpenTask, form = {}) {
  const { refresh_token: token } = body;
  return requestToken(server, agent, {
    grant_type: 'refresh_token',
    refresh_token: token,
    code_verifier: verifier,
    ...form,
  });
}

async function grantedBy(tokenId: string, type: string) {
  const [event] = await auditEvents(server, { token_id: tokenId, event_type: type });
  return event.details.granted_by;
}

describe('an agent with a role', () => {
  test('is granted what it was given itself and what the role holds, and the trail says which by what', async () => {
    const agent = await anAgent();
    const role = await aRole([TICKETS, 'slack:*:*', 'reports:*']);
    expect((await ask(agent, TICKETS)).body).toMatchObject({ error: 'invalid_scope' });
    await role.give('agents', agent.clientId);
    const task = await open(server, agent, { scope: `reports:read ${TICKETS} slack:messages:write` });
    expect(await grantedBy(task.tokenId, 'token_issued')).toEqual({
      'reports:read': 'permission',
      [TICKETS]: `role:${role.name}`,
      'slack:messages:write': `role:${role.name}`,
    });
    // Concrete rights of the role belong to the default scope; its wildcards have to be asked for.
    expect((await ask(agent)).body.scope).toBe(`reports:read ${TICKETS}`);
    expect((await ask(agent, 'slack:*:*')).body.scope).toBe('slack:*:*');
    expect((await ask(agent, '*:*:*')).body).toMatchObject({ error: 'invalid_scope' });
  });

  test('gives a child no more than the parent token, whatever the roles hold', async () => {
    const agent = await anAgent();
    const role = await aRole(['slack:*:*', TICKETS]);
    await role.give('agents', agent.clientId);
    const parent = await open(server, agent, { scope: 'slack:messages:*' });
    const child = await derive(server, parent, { scope: 'slack:messages:read' });
    expect(await grantedBy(child.tokenId, 'token_exchanged')).toEqual({ 'slack:messages:read': 'parent' });
    for (const scope of ['slack:*:*', 'slack:channels:read', TICKETS]) {
      const form = { scope, code_verifier: parent.verifier };
      expect((await tokenExchange(server, agent, parent.token, form)).body).toMatchObject({
        error: 'invalid_scope',
        task_error: 'not_subset',
      });
    }
  });

  test.each([
    ['taken back', (role: Awaited<ReturnType<typeof aRole>>, id: string) => role.take('agents', id)],
    ['narrowed', (role: Awaited<ReturnType<typeof aRole>>) => role.set(['zendesk:users:read'])],
  ])('gets nothing more by it, for running tasks too, once it is %s', async (_how, change) => {
    const agent = await anAgent();
    const role = await aRole([TICKETS]);
    await role.give('agents', agent.clientId);
    const scope = `reports:read ${TICKETS}`;
    const [joined, refreshed] = [await open(server, agent, { scope }), await open(server, agent, { scope })];
    await change(role, agent.clientId);

    const own = { task_id: joined.taskId, code_verifier: joined.verifier };
    expect((await clientCredentials(server, agent, own)).body.scope).toBe('reports:read');
    expect((await clientCredentials(server, agent, { ...own, scope: TICKETS })).body).toMatchObject({
      error: 'invalid_scope',
    });
    const child = await derive(server, joined);
    expect(child.body.scope).toBe('reports:read');
    const asked = { scope: TICKETS, code_verifier: joined.verifier };
    expect((await tokenExchange(server, agent, joined.token, asked)).body.error).toBe('invalid_scope');
    expect((await refresh(refreshed, { scope: TICKETS })).body.error).toBe('invalid_scope');
    expect((await refresh(refreshed)).body.scope).toBe('reports:read');
    expect((await ask(agent)).body.scope).not.toContain(TICKETS);
  });

  test('administers by it, and no longer when it is taken back', async () => {
    const agent = await anAgent();
    const role = await aRole(['admin:read']);
    await administer(server, 'PUT', `/api/agents/${agent.clientId}`, { audiences: [server.apiAudience] });
    const form = { resource: server.apiAudience, scope: 'admin:read', ...pkce().parameters };
    expect((await clientCredentials(server, agent, form)).body.error).toBe('invalid_scope');
    await role.give('agents', agent.clientId);
    expect((await clientCredentials(server, agent, form)).status).toBe(200);
    await role.take('agents', agent.clientId);
    expect((await clientCredentials(server, agent, form)).body.error).toBe('invalid_scope');
  });
});

describe('a person with a role', () => {
  let browser: BrowserSession;
  let userId: string;
  let agent: AgentParty;
  let role: Awaited<ReturnType<typeof aRole>>;
  const form = { scope: `reports:read ${TICKETS}` };
  beforeAll(async () => {
    const person = await createPerson(server, { permissions: ['reports:read'] });
    browser = browserOf(server, person);
    userId = person.userId;
    agent = await registerAgent(server, {
      permissions: ['reports:read', 'zendesk:*:*'],
      grant_types: GRANTS,
      redirect_uris: [CALLBACK],
    });
    role = await aRole([TICKETS]);
  });

  test('delegates what it holds, and the trail says so', async () => {
    const without = await authorize(server, { agent, browser, form });
    expect(without.body.scope).toBe('reports:read');
    await role.give('users', userId);
    const task = await authorize(server, { agent, browser, form });
    expect(task.body.scope).toBe(form.scope);
    expect(await grantedBy(task.tokenId, 'token_issued')).toEqual({
      'reports:read': 'consent',
      [TICKETS]: 'consent',
    });
    const [consent] = await auditEvents(server, { user_id: userId, event_type: 'consent_granted' });
    expect(consent.details.granted_by).toEqual({
      'reports:read': 'permission',
      [TICKETS]: `role:${role.name}`,
    });
  });

  test('without it again, bounds what is redeemed, refreshed and derived from then on', async () => {
    await role.give('users', userId);
    const task = await authorize(server, { agent, browser, form });
    const code = await getCode(server, { agent, browser, form });
    await role.take('users', userId);
    expect((await redeemCode(server, agent, code)).body).toMatchObject({ error: 'invalid_scope' });
    const exchange = (scope: string) =>
      tokenExchange(server, agent, task.token, { scope, code_verifier: task.verifier });
    expect((await exchange(TICKETS)).body).toMatchObject({ error: 'invalid_scope' });
    expect((await exchange('reports:read')).body.scope).toBe('reports:read');
    const child = await derive(server, task);
    expect(child.body.scope).toBe('reports:read');
    expect((await refresh(task, { scope: TICKETS })).body).toMatchObject({ error: 'invalid_scope' });
    const renewed = await refresh(task);
    expect(renewed.body.scope).toBe('reports:read');
    // Given back, it counts again: the family keeps what was approved.
    await role.give('users', userId);
    expect((await refresh({ ...task, body: renewed.body })).body.scope).toBe(form.scope);
  });
});
