import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type AgentAuthParty,
  refreshWith,
  registerWithKey,
  verified,
  verify,
  withToken,
} from '../support/agent-auth.ts';
import { administer, asAdmin, pkce, registerAgent } from '../support/parties.ts';
import { postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ADMIN,
  auditEvents,
  clientCredentials,
  introspect,
  tokenExchange,
} from '../support/token-requests.ts';

let server: TestServer;
let party: AgentAuthParty;

beforeAll(async () => {
  server = await startServer();
  party = await registerWithKey(server, { permissions: ['example:read', 'reports:write'] });
});
afterAll(() => server.stop());

const register = (body: object) => postJson(server, '/agents/register', body);
const BASE = { name: 'Newcomer', owner_email: 'you@company.com' };

describe('registering', () => {
  test('grants a stranger what it asks for within the default permissions; the rest waits', async () => {
    const { status, body } = await register({ ...BASE, permissions: ['reports:write', 'example:read'] });
    expect(status).toBe(201);
    expect(body.agent).toMatchObject({
      status: 'active',
      tier: 'free',
      permissions: ['example:read'],
      pending_permissions: ['reports:write'],
    });
    const { agent_id: id } = body;
    const { agent } = await administer(server, 'PUT', `/agents/${id}/permissions`, {
      permissions: ['example:read', 'reports:write'],
    });
    expect(agent).toMatchObject({ permissions: ['example:read', 'reports:write'], pending_permissions: [] });
  });

  test('grants an administrator’s agent what is asked', async () => {
    const permissions = ['zendesk:*:*', 'reports:write'];
    const body = await administer(server, 'POST', '/agents/register', { ...BASE, permissions });
    expect(body.agent).toMatchObject({ permissions, pending_permissions: [] });
  });

  test.each([
    ['a short name', { ...BASE, name: 'ab' }, 'parameter_invalid'],
    ['a long name', { ...BASE, name: 'x'.repeat(101) }, 'parameter_invalid'],
    ['a name with a line break', { ...BASE, name: 'two\nlines' }, 'parameter_invalid'],
    ['no name', { owner_email: 'you@company.com' }, 'request_invalid'],
    ['two names', { ...BASE, agent_name: 'Another' }, 'request_invalid'],
    ['no address', { name: 'Newcomer' }, 'request_invalid'],
    ['an address that is none', { ...BASE, owner_email: 'nobody' }, 'request_invalid'],
    ['no permission', { ...BASE, permissions: [] }, 'request_invalid'],
    ['51 permissions', { ...BASE, permissions: Array(51).fill('example:read') }, 'request_invalid'],
    ['a tier of its own choice', { ...BASE, tier: 'enterprise' }, 'request_invalid'],
    ['a status of its own choice', { ...BASE, status: 'active' }, 'request_invalid'],
    ['a prototype', { ...BASE, permissions: ['constructor:x:y', '__proto__'] }, 'permission_invalid'],
    ['Unicode', { ...BASE, permissions: ['zendesk:tickets:réad'] }, 'permission_invalid'],
    ['a very long permission', { ...BASE, permissions: [`a:b:${'c'.repeat(900)}`] }, 'permission_invalid'],
  ])('refuses %s', async (_, body, code) => {
    const { status, body: problem } = await register(body);
    expect([status, problem.code]).toEqual([400, code]);
  });

  test('of whatever is sent never fails by the server’s fault (property)', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('__proto__', 'toString'),
    );
    const body = fc.record(
      {
        name: fc.oneof(text, fc.integer()),
        owner_email: fc.oneof(text, fc.constant('you@company.com')),
        permissions: fc.oneof(fc.array(text, { maxLength: 3 }), text),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const { status } = await register(sent);
        expect([201, 400]).toContain(status);
      }),
      { numRuns: 60 },
    );
  });
});

describe('where registration is not open', () => {
  test('a token is asked for, or nobody is registered', async () => {
    const strict = await startServer({ env: { REGISTRATION: 'token' } });
    try {
      const challenged = await postJson(strict, '/agents/register', BASE);
      expect([challenged.status, challenged.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer scope="admin:write"',
      ]);
      expect(await registerWithKey(strict)).toMatchObject({ apiKey: expect.stringMatching(/^tg_/) });
    } finally {
      await strict.stop();
    }
  });
});

describe('a key that proves an agent', () => {
  test('opens a leaf when nothing binds it: no children, not even with the client’s secret', async () => {
    const agent = await registerAgent(server);
    const key = await administer(server, 'POST', `/api/agents/${agent.clientId}/api-keys`, {
      name: 'Laptop',
    });
    const { accessToken } = await verified(server, { agentId: agent.clientId, apiKey: key.api_key });
    const child = await tokenExchange(server, agent, accessToken, {});
    expect([child.status, child.body.task_error]).toEqual([400, 'leaf_task']);
  });

  test('opens a task with children when a challenge binds it', async () => {
    const agent = await registerAgent(server);
    const key = await administer(server, 'POST', `/api/agents/${agent.clientId}/api-keys`, {
      name: 'Laptop',
    });
    const { parameters, verifier } = pkce();
    const own = { agentId: agent.clientId, apiKey: key.api_key };
    const { accessToken, refreshToken, taskId } = await verified(server, own, {
      ...parameters,
      scope: 'reports:read',
      task_id: 'report-1',
      task_description: 'Write the report',
      task_expires_in: 900,
    });
    expect(taskId).toBe('report-1');
    const child = await tokenExchange(server, agent, accessToken, { code_verifier: verifier });
    expect([child.status, child.body.scope, child.body.task.depth]).toEqual([200, 'reports:read', 1]);
    const unproven = await tokenExchange(server, agent, accessToken, {});
    expect(unproven.body.task_error).toBe('verifier_mismatch');
    const without = await refreshWith(server, refreshToken);
    expect([without.status, without.body.code]).toEqual([403, 'verifier_mismatch']);
    const rotated = await refreshWith(server, refreshToken, verifier);
    expect([rotated.status, rotated.body.token.task_id]).toEqual([200, 'report-1']);
    const revoked = await asAdmin(server, 'POST', '/api/tasks/report-1/revoke', {});
    expect(revoked.status).toBe(200);
    expect(await introspect(server, ADMIN, child.body.access_token)).toEqual({ active: false });
  });

  test('gets no more than the agent’s ceiling, and its default scope unless it asks', async () => {
    const { body } = await verify(server, party);
    expect(body.token.scope).toBe('example:read reports:write');
    const narrow = await verify(server, party, { scope: 'reports:write' });
    expect(narrow.body.token.scope).toBe('reports:write');
    const wide = await verify(server, party, { scope: 'files:read' });
    expect([wide.status, wide.body.code]).toEqual([403, 'scope_exceeds_ceiling']);
  });

  test('cannot take a task id twice', async () => {
    expect((await verify(server, party, { task_id: 'mine' })).status).toBe(200);
    const again = await verify(server, party, { task_id: 'mine' });
    expect([again.status, again.body.code]).toEqual([409, 'task_id_taken']);
  });

  test.each([
    ['plain PKCE', { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }],
    ['a challenge without method', { code_challenge: 'a'.repeat(43) }],
    ['a method without challenge', { code_challenge_method: 'S256' }],
    ['a challenge that is none', { code_challenge: 'abc', code_challenge_method: 'S256' }],
    ['a task id with spaces', { task_id: 'two words' }],
    ['a description with control characters', { task_description: 'a\u0007b' }],
    ['an unknown member', { tier: 'enterprise' }],
  ])('is no excuse for %s', async (_, more) => {
    expect((await verify(server, party, more)).status).toBe(400);
  });

  test('is refused the same way whatever is wrong with it, and the refusal is recorded', async () => {
    // Of its own: one address has only so many refusals recorded one by one in a minute.
    const server = await startServer();
    const [party, other] = [await registerWithKey(server), await registerWithKey(server)];
    const { apiKey } = party;
    const wrong = {
      'another secret': { ...party, apiKey: `${apiKey.slice(0, -2)}xx` },
      'another prefix': { ...party, apiKey: apiKey.replace(/^tg_.{12}/, 'tg_abcdefghijkl') },
      'no form of a key': { ...party, apiKey: '__proto__' },
      'another agent’s': { ...party, apiKey: other.apiKey },
      'an unknown agent': { agentId: 'nobody', apiKey },
    };
    const answers = new Map<string, unknown>();
    for (const [name, sent] of Object.entries(wrong)) {
      const { status, body, headers } = await verify(server, sent);
      const { request_id: _, ...problem } = body;
      answers.set(name, { status, problem, challenge: headers.get('www-authenticate') });
    }
    const [first, ...rest] = answers.values();
    expect(first).toMatchObject({ status: 401, problem: { verified: false, code: 'api_key_invalid' } });
    for (const one of rest) expect(one).toEqual(first);
    const logs = await auditEvents(server, { event_type: 'client_authentication_failed' }, 5);
    const whose = logs.map((log: { client_id: string; actor: null }) => [log.client_id, log.actor]);
    const { agentId } = party;
    // Newest first; nobody is an actor, and of unknown prefixes it is not known whose they are.
    expect(whose).toEqual([agentId, other.agentId, null, null, agentId].map((id) => [id, null]));
    await server.stop();
  });

  test('proves a suspended agent, which is told so, and gets nothing', async () => {
    const own = await registerWithKey(server);
    const { accessToken } = await verified(server, own);
    await administer(server, 'POST', `/api/agents/${own.agentId}/suspend`, {});
    const refused = await verify(server, own);
    expect([refused.status, refused.body.code]).toEqual([403, 'agent_not_active']);
    expect(await introspect(server, ADMIN, accessToken)).toEqual({ active: false });
    await administer(server, 'POST', `/api/agents/${own.agentId}/reactivate`, {});
    expect((await verify(server, own)).status).toBe(200);
  });
});

describe('the counted lists', () => {
  test('of an agent without activity of that age are empty, not an error', async () => {
    const { body } = await asAdmin(server, 'GET', `/agents/${party.agentId}/activity?offset=9999`);
    expect(body).toMatchObject({ activity: [], pagination: { offset: 9999, count: 0, has_more: false } });
    const none = await asAdmin(server, 'GET', '/agents?status=pending');
    expect(none.body).toMatchObject({ agents: [], total: 0 });
  });

  test('refuse positions that are none', async () => {
    const queries = ['limit=0', 'limit=201', 'offset=-1', 'offset=10001', 'offset=x', 'offset=', 'page=1'];
    for (const query of queries) {
      const { status } = await asAdmin(server, 'GET', `/agents/${party.agentId}/activity?${query}`);
      expect([query, status]).toEqual([query, 400]);
    }
  });

  test('tell the agent what others did to it, but not who and from where', async () => {
    const own = await registerWithKey(server);
    await administer(server, 'PUT', `/agents/${own.agentId}/tier`, { tier: 'pro' });
    const { accessToken } = await verified(server, own);
    const path = `/agents/${own.agentId}/activity`;
    const seen = await withToken(server, accessToken, 'GET', path);
    const [update] = seen.body.activity.filter(
      (row: { event_type: string }) => row.event_type === 'agent_updated',
    );
    expect(update).toMatchObject({ status: 'success', ip_address: null, details: {} });
    const [own_] = seen.body.activity.filter(
      (row: { event_type: string }) => row.event_type === 'agent_verified',
    );
    expect(own_).toMatchObject({
      ip_address: '127.0.0.1',
      details: { key_id: expect.stringMatching(/^key_/) },
    });
    const all = await asAdmin(server, 'GET', path);
    const known = all.body.activity.find((row: { event_type: string }) => row.event_type === 'agent_updated');
    expect(known.details).toMatchObject({ after: { tier: 'pro' } });
  });
});

test('an unknown agent has no activity', async () => {
  expect((await asAdmin(server, 'GET', '/agents/nobody/activity')).status).toBe(404);
  expect((await send(server, '/agents/nobody/activity')).status).toBe(401);
});

test('a key is no client secret', async () => {
  const headers = { authorization: `Basic ${btoa(`${party.agentId}:${party.apiKey}`)}` };
  const refused = await clientCredentials(server, { ...party, headers } as never, pkce().parameters);
  expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client']);
});
