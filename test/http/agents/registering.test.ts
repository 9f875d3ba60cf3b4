import { describe, expect, test } from '@jest/globals';
import { createApiClient } from '../../support/api-client.ts';
import { agentsScene } from './scene.ts';

const REGISTRATION = {
  agent_name: 'Research agent',
  description: 'Reads reports and summarises them',
  allowed_tools: ['search'],
  allowed_resources: ['quarterly'],
};

const { on, anAgentWithToken } = agentsScene();

describe('POST /api/agents/register', () => {
  const path = '/api/agents/register';

  test('answers the agent and its credentials', async () => {
    const answer = await on.api.send('post', path, {
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
    const { status, body: answer } = await on.api.send('post', path, { body });
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
    const answer = await on.api.send('post', path, { token: on.admin, body });
    expect(answer.body.agent).toMatchObject({ permissions: ['reports:*'], requested_permissions: [] });
    const events = await on.api.events('agent_registered');
    const { client_id: clientId } = answer.body.agent;
    const event = { clientId, actor: 'taskgrant-admin', sourceIp: expect.any(String) };
    expect(events).toContainEqual(expect.objectContaining(event));
  });

  test('with an admin:read token or an agent’s own grants no more than to anyone', async () => {
    const body = { ...REGISTRATION, permissions: ['reports:*'] };
    for (const token of [await on.api.adminToken('admin:read'), (await anAgentWithToken()).token]) {
      const answer = await on.api.send('post', path, { token, body });
      expect(answer.body.agent).toMatchObject({ permissions: [], requested_permissions: ['reports:*'] });
    }
  });

  test('with a token that is no good is refused', async () => {
    expect((await on.api.send('post', path, { token: 'made-up', body: REGISTRATION })).status).toBe(401);
  });

  test.each([
    ['no name', { agent_name: undefined }],
    ['a short name', { agent_name: 'ab' }],
    ['a name that is not text', { agent_name: 5 }],
    ['tools that are not a list', { allowed_tools: 'search' }],
    ['a tool that reads backwards', { allowed_tools: ['liame\u202e'] }],
    ['a resource with a mark of direction', { allowed_resources: ['q1\u2066'] }],
    ['a resource with a mark of Arabic letters', { allowed_resources: ['q\u061c1'] }],
    ['an unknown grant', { grant_types: ['password'] }],
    ['101 rights', { permissions: Array.from({ length: 101 }, (_, i) => `right:${i}`) }],
    ['101 rights as a scope', { scope: Array.from({ length: 101 }, (_, i) => `right:${i}`).join(' ') }],
    ['a right with a quote', { permissions: ['a"b'] }],
  ])('refuses %s', async (_, over) => {
    const answer = await on.api.send('post', path, { body: { ...REGISTRATION, ...over } });
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
    on.api.send('post', '/api/agents/activate', { body: { registration_token } });

  test('works once: then 409, and 404 for what was never one', async () => {
    const registered = await on.api.send('post', '/api/agents/register', { body: REGISTRATION });
    const token = registered.body.credentials.registration_token;
    const first = await activate(token);
    expect(first.status).toBe(200);
    expect(first.body.agent).toMatchObject({ state: 'active', is_active: true });
    expect((await activate(token)).status).toBe(409);
    expect((await activate('tgr_never')).status).toBe(404);
    expect((await activate('')).status).toBe(400);
  });
});
