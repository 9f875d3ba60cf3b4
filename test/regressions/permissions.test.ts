import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { administer, type AgentParty, asAdmin, pkce, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { clientCredentials, open, tokenExchange } from '../support/token-requests.ts';

/** Cause (AgentAuth): permissions were looked up as members of plain objects, part by part, and wildcards were unknown. */
let server: TestServer;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, { permissions: ['*:*:*'] });
});
afterAll(() => server.stop());

const ask = (by: AgentParty, scope: string) => clientCredentials(server, by, { scope, ...pkce().parameters });

describe('a permission with the name of a member of every object', () => {
  const NAMES = ['constructor:x:y', '__proto__:x:y', 'zendesk:constructor:read', 'zendesk:tickets:toString'];

  test.each(NAMES)('%s crashed the validator: now it is refused wherever it is sent', async (name) => {
    const asked = await ask(agent, name);
    expect([asked.status, asked.body.error]).toEqual([400, 'invalid_scope']);
    expect(asked.body.error_description).toContain('reserved name');
    const registered = await asAdmin(server, 'POST', '/api/agents/register', {
      agent_name: 'Crasher',
      permissions: [name],
    });
    expect([registered.status, registered.body.code]).toEqual([400, 'permission_invalid']);
    const updated = await asAdmin(server, 'PUT', `/api/agents/${agent.clientId}`, { permissions: [name] });
    expect([updated.status, updated.body.code]).toEqual([400, 'permission_invalid']);
    const dynamic = await send(server, '/api/oauth/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_name: 'Crasher', scope: name, grant_types: ['client_credentials'] }),
    });
    expect([dynamic.status, dynamic.body.error]).toEqual([400, 'invalid_client_metadata']);
    expect((await send(server, '/permissions/list')).status).toBe(200);
  });
});

describe('the documented wildcards', () => {
  test.each([
    ['*:*:*', 'stripe:customers:delete'],
    ['zendesk:*:*', 'zendesk:users:read'],
    ['zendesk:tickets:*', 'zendesk:tickets:write'],
  ])('%s was rejected: now it can be granted, asked for, and narrowed to %s', async (wildcard, narrow) => {
    const holder = await registerAgent(server, { permissions: [wildcard] });
    const task = await open(server, holder, { scope: wildcard });
    expect(task.body.scope).toBe(wildcard);
    expect((await ask(holder, narrow)).body.scope).toBe(narrow);
    const child = await tokenExchange(server, holder, task.token, {
      scope: narrow,
      code_verifier: task.verifier,
    });
    expect(child.body).toMatchObject({ scope: narrow });
  });

  test('never the reverse: who holds a part of it is not granted the wildcard', async () => {
    const holder = await registerAgent(server, { permissions: ['zendesk:tickets:read', 'slack:*:*'] });
    for (const scope of ['zendesk:tickets:*', 'zendesk:*:*', '*:*:*', 'slack:*:* zendesk:tickets:*']) {
      expect((await ask(holder, scope)).body).toMatchObject({ error: 'invalid_scope' });
    }
    const task = await open(server, holder, { scope: 'slack:messages:read' });
    const wider = { scope: 'slack:messages:*', code_verifier: task.verifier };
    expect((await tokenExchange(server, holder, task.token, wider)).body).toMatchObject({
      error: 'invalid_scope',
      task_error: 'not_subset',
    });
  });

  test('any other place of a wildcard is refused, though a wildcard would cover it', async () => {
    for (const scope of ['*:tickets:read', 'zendesk:*:read', '*:*:read', 'zendesk::read', 'zend*:x:y']) {
      const { status, body } = await ask(agent, scope);
      expect([scope, status, body.error]).toEqual([scope, 400, 'invalid_scope']);
    }
    await expect(
      administer(server, 'POST', '/api/admin/roles', { name: 'odd', permissions: ['*:tickets:read'] }),
    ).rejects.toThrow(/permission_invalid/);
  });
});
