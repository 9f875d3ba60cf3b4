import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiClient, createApiClient } from '../support/api-client.ts';
import { openFor, registeredAgent, TASK_VERIFIER } from '../support/registered-agent.ts';

const REGISTRATION = {
  agent_name: 'Research agent',
  description: 'Reads reports and summarises them',
  allowed_tools: ['search'],
  allowed_resources: ['quarterly'],
};

let api: ApiClient;
let admin: string;

beforeAll(async () => {
  api = await createApiClient();
  admin = await api.adminToken();
});
afterAll(() => api.close());

async function anAgentWithToken() {
  const { agent, credentials } = await registeredAgent(api.context);
  const issued = await openFor(api.context, agent);
  return { agent, credentials, token: issued.access.value };
}

describe('POST /api/agents/register', () => {
  const path = '/api/agents/register';

  test('answers the agent and its credentials', async () => {
    const answer = await api.send('post', path, {
      body: { ...REGISTRATION, permissions: ['example:read', 'a:b'] },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toMatchObject({
      agent: {
        ...REGISTRATION,
        client_id: answer.body.credentials.client_id,
        state: 'pending',
        is_active: false,
        permissions: ['example:read'],
        requested_permissions: ['a:b'],
      },
      credentials: {
        client_secret: expect.stringMatching(/^tgs_/),
        registration_token: expect.stringMatching(/^tgr_/),
      },
    });
    expect(JSON.stringify(answer.body.agent)).not.toContain(answer.body.credentials.client_secret);
  });

  test('takes a scope string, tool ids, statements and members that it does not know', async () => {
    const body = {
      ...REGISTRATION,
      scope: 'example:read reports:read',
      tool_ids: ['browse', 'search'],
      max_scope_level: 'restricted',
      model: 'a-model',
      software_statement: 'ignored',
    };
    const { status, body: answer } = await api.send('post', path, { body });
    expect(status).toBe(201);
    expect(answer.agent).toMatchObject({
      permissions: ['example:read'],
      requested_permissions: ['reports:read'],
      allowed_tools: ['search', 'browse'],
      statements: { max_scope_level: 'restricted', model: 'a-model' },
    });
  });

  test('with an admin:write token grants what is asked', async () => {
    const body = { ...REGISTRATION, permissions: ['reports:*'] };
    const answer = await api.send('post', path, { token: admin, body });
    expect(answer.body.agent).toMatchObject({ permissions: ['reports:*'], requested_permissions: [] });
    const events = await api.events('agent_registered');
    const { client_id: clientId } = answer.body.agent;
    const event = { clientId, actor: 'taskgrant-admin', sourceIp: expect.any(String) };
    expect(events).toContainEqual(expect.objectContaining(event));
  });

  test('with an admin:read token or an agent’s own grants no more than to anyone', async () => {
    const body = { ...REGISTRATION, permissions: ['reports:*'] };
    for (const token of [await api.adminToken('admin:read'), (await anAgentWithToken()).token]) {
      const answer = await api.send('post', path, { token, body });
      expect(answer.body.agent).toMatchObject({ permissions: [], requested_permissions: ['reports:*'] });
    }
  });

  test('with a token that is no good is refused', async () => {
    expect((await api.send('post', path, { token: 'made-up', body: REGISTRATION })).status).toBe(401);
  });

  test.each([
    ['no name', { agent_name: undefined }],
    ['a short name', { agent_name: 'ab' }],
    ['a name that is not text', { agent_name: 5 }],
    ['tools that are not a list', { allowed_tools: 'search' }],
    ['a tool that reads backwards', { allowed_tools: ['liame\u202e'] }],
    ['a resource with a mark of direction', { allowed_resources: ['q1\u2066'] }],
    ['an unknown grant', { grant_types: ['password'] }],
    ['101 rights', { permissions: Array.from({ length: 101 }, (_, i) => `right:${i}`) }],
    ['101 rights as a scope', { scope: Array.from({ length: 101 }, (_, i) => `right:${i}`).join(' ') }],
    ['a right with a quote', { permissions: ['a"b'] }],
  ])('refuses %s', async (_, over) => {
    const answer = await api.send('post', path, { body: { ...REGISTRATION, ...over } });
    expect(answer.status).toBe(400);
  });
});

describe('where registration is not open', () => {
  test('token: a stranger is asked for an admin:write token', async () => {
    const own = await createApiClient({ settings: { registration: 'token' } });
    const path = '/api/agents/register';
    const stranger = await own.send('post', path, { body: REGISTRATION });
    expect(stranger.status).toBe(401);
    expect(stranger.headers['www-authenticate']).toBe('Bearer scope="admin:write"');
    const reader = await own.send('post', path, {
      token: await own.adminToken('admin:read'),
      body: REGISTRATION,
    });
    expect([reader.status, reader.body.code]).toEqual([403, 'insufficient_scope']);
    const writer = await own.send('post', path, { token: await own.adminToken(), body: REGISTRATION });
    expect(writer.status).toBe(201);
    await own.close();
  });

  test('closed: everyone is refused, and it is recorded', async () => {
    const own = await createApiClient({ settings: { registration: 'closed' } });
    for (const more of [{}, { token: await own.adminToken() }]) {
      const answer = await own.send('post', '/api/agents/register', { ...more, body: REGISTRATION });
      expect([answer.status, answer.body.detail]).toEqual([403, 'registration is closed on this server']);
    }
    expect(await own.events('request_refused')).toHaveLength(2);
    await own.close();
  });
});

describe('POST /api/agents/activate', () => {
  const activate = (registration_token: string) =>
    api.send('post', '/api/agents/activate', { body: { registration_token } });

  test('works once: then 409, and 404 for what was never one', async () => {
    const registered = await api.send('post', '/api/agents/register', { body: REGISTRATION });
    const token = registered.body.credentials.registration_token;
    const first = await activate(token);
    expect(first.status).toBe(200);
    expect(first.body.agent).toMatchObject({ state: 'active', is_active: true });
    expect((await activate(token)).status).toBe(409);
    expect((await activate('tgr_never')).status).toBe(404);
    expect((await activate('')).status).toBe(400);
  });
});

describe('reading agents', () => {
  test('an agent sees itself and nobody else', async () => {
    const { agent, token } = await anAgentWithToken();
    const { agent: other } = await anAgentWithToken();
    for (const path of ['/api/agents/me', `/api/agents/${agent.clientId}`]) {
      const answer = await api.send('get', path, { token });
      expect([answer.status, answer.body.client_id]).toEqual([200, agent.clientId]);
    }
    for (const clientId of [other.clientId, 'agt_nobody', 'taskgrant-admin', 'rs_example']) {
      const answer = await api.send('get', `/api/agents/${clientId}`, { token });
      expect([answer.status, answer.body.detail]).toEqual([404, 'there is no such agent']);
    }
    expect((await api.send('get', `/api/agents/${other.clientId}/tools`, { token })).status).toBe(404);
    expect((await api.send('get', '/api/agents/list', { token })).status).toBe(401);
  });

  test('an administrator sees all, page by page', async () => {
    const { agent } = await anAgentWithToken();
    const token = await api.adminToken('admin:read');
    expect((await api.send('get', `/api/agents/${agent.clientId}`, { token })).status).toBe(200);
    const first = await api.send('get', '/api/agents/list?limit=1', { token });
    expect(first.body.agents).toHaveLength(1);
    const next = await api.send('get', `/api/agents/list?limit=1&cursor=${first.body.next_cursor}`, {
      token,
    });
    expect(next.body.agents[0].client_id).not.toBe(first.body.agents[0].client_id);
  });

  test('the list filters by state and name', async () => {
    await registeredAgent(api.context, { name: 'A very special name' });
    const named = await api.send('get', '/api/agents/list?name=SPECIAL&state=active', { token: admin });
    expect(named.body.agents.map((row: { agent_name: string }) => row.agent_name)).toEqual([
      'A very special name',
    ]);
    const none = await api.send('get', '/api/agents/list?name=SPECIAL&state=suspended', { token: admin });
    expect(none.body.agents).toEqual([]);
    expect((await api.send('get', '/api/agents/list?state=sleeping', { token: admin })).status).toBe(400);
  });

  test('nobody sees anything without a token', async () => {
    const { agent } = await registeredAgent(api.context);
    for (const path of ['/api/agents/list', '/api/agents/me', `/api/agents/${agent.clientId}`]) {
      expect((await api.send('get', path)).status).toBe(401);
    }
  });
});

describe('changing agents', () => {
  const changes = [
    ['put', '', { agent_name: 'Renamed' }],
    ['delete', '', undefined],
    ['post', '/suspend', {}],
    ['post', '/reactivate', {}],
    ['post', '/tools', { tool_id: 'browse' }],
    ['post', '/tools/browse', undefined],
    ['delete', '/tools/search', undefined],
  ] as const;

  test.each(changes)('%s /api/agents/:clientId%s is for admin:write alone', async (method, path, body) => {
    const { agent, token } = await anAgentWithToken();
    const url = `/api/agents/${agent.clientId}${path}`;
    const sent = body === undefined ? {} : { body };
    expect((await api.send(method, url, sent)).status).toBe(401);
    expect((await api.send(method, url, { ...sent, token })).status).toBe(401);
    const reader = await api.send(method, url, { ...sent, token: await api.adminToken('admin:read') });
    expect([reader.status, reader.body.code]).toEqual([403, 'insufficient_scope']);
    expect(await api.store.agents.byId(agent.clientId)).toEqual(agent);
  });

  test('an administrator changes what it may be granted', async () => {
    const { agent } = await anAgentWithToken();
    const body = {
      agent_name: 'Renamed',
      permissions: ['reports:read'],
      allowed_tools: ['search', 'browse'],
      max_task_seconds: 60,
      challenge_waived: true,
      tier: 'pro',
    };
    const answer = await api.send('put', `/api/agents/${agent.clientId}`, { token: admin, body });
    expect(answer.body).toMatchObject({ ...body, default_scope: ['reports:read'] });
    const unknown = { token: admin, body: { is_active: true } };
    expect((await api.send('put', `/api/agents/${agent.clientId}`, unknown)).status).toBe(400);
  });

  test('suspending refuses the agent’s live token at once; reactivating does not revive it', async () => {
    const { agent, token } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}`;
    const suspended = await api.send('post', `${at}/suspend`, {
      token: admin,
      body: { reason: 'odd behaviour' },
    });
    expect(suspended.body.state).toBe('suspended');
    expect((await api.send('get', '/api/agents/me', { token })).status).toBe(401);
    expect((await api.send('post', `${at}/suspend`, { token: admin, body: {} })).status).toBe(409);
    expect((await api.send('post', `${at}/reactivate`, { token: admin, body: {} })).body.state).toBe(
      'active',
    );
    expect((await api.send('get', '/api/agents/me', { token })).status).toBe(401);
    const [event] = await api.events('agent_suspended');
    expect(event).toMatchObject({
      clientId: agent.clientId,
      actor: 'taskgrant-admin',
      reason: 'odd behaviour',
    });
  });

  test('a deleted agent is gone, except for who asks for deleted ones', async () => {
    const { agent } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}`;
    const deleted = await api.send('delete', `${at}?reason=retired`, { token: admin });
    expect(deleted.body.agent).toMatchObject({ client_id: agent.clientId, state: 'revoked' });
    expect((await api.send('get', at, { token: admin })).status).toBe(404);
    expect((await api.send('get', `${at}?include_deleted=true`, { token: admin })).status).toBe(200);
    expect((await api.send('delete', at, { token: admin })).status).toBe(404);
    expect((await api.send('post', `${at}/reactivate`, { token: admin, body: {} })).status).toBe(404);
  });

  test('tools are listed, added and taken away', async () => {
    const { agent, token } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}/tools`;
    await api.send('post', at, { token: admin, body: { tool_id: 'browse' } });
    await api.send('post', `${at}/mail%2Fsend`, { token: admin });
    await api.send('delete', `${at}/search`, { token: admin });
    expect((await api.send('get', at, { token })).body).toEqual({
      client_id: agent.clientId,
      tools: [{ tool_id: 'browse' }, { tool_id: 'mail/send' }],
    });
    expect((await api.send('delete', `${at}/search`, { token: admin })).status).toBe(404);
  });
});

describe('POST /api/agents/:clientId/rotate-secret', () => {
  test('by the agent itself, with the verifier of its task', async () => {
    const { agent, token } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}/rotate-secret`;
    expect((await api.send('post', at, { token, body: {} })).status).toBe(403);
    const answer = await api.send('post', at, { token, body: { code_verifier: TASK_VERIFIER } });
    expect(answer.body).toEqual({
      client_id: agent.clientId,
      client_secret: expect.stringMatching(/^tgs_/),
      old_secrets_expire_at: new Date(api.clock.now() + 3_600_000).toISOString(),
    });
  });

  test('by another agent is refused as if there were none', async () => {
    const { agent } = await anAgentWithToken();
    const { token } = await anAgentWithToken();
    const body = { code_verifier: TASK_VERIFIER };
    for (const clientId of [agent.clientId, 'taskgrant-admin', 'agt_nobody']) {
      const answer = await api.send('post', `/api/agents/${clientId}/rotate-secret`, { token, body });
      expect(answer.status).toBe(404);
    }
  });

  test('by an administrator, at once', async () => {
    const { agent } = await anAgentWithToken();
    const body = { immediate: true };
    await api.send('post', `/api/agents/${agent.clientId}/rotate-secret`, { token: admin, body });
    expect(await api.store.agents.secrets(agent.clientId, api.clock.now())).toHaveLength(1);
  });
});
