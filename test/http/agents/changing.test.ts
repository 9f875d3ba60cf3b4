import { describe, expect, test } from '@jest/globals';
import { TASK_VERIFIER } from '../../support/registered-agent.ts';
import { agentsScene } from './scene.ts';

const { on, anAgentWithToken } = agentsScene();

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
    expect((await on.api.send(method, url, sent)).status).toBe(401);
    expect((await on.api.send(method, url, { ...sent, token })).status).toBe(401);
    const reader = await on.api.send(method, url, {
      ...sent,
      token: await on.api.adminToken('admin:read'),
    });
    expect([reader.status, reader.body.code]).toEqual([403, 'insufficient_scope']);
    expect(await on.api.store.agents.byId(agent.clientId)).toEqual(agent);
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
    const answer = await on.api.send('put', `/api/agents/${agent.clientId}`, { token: on.admin, body });
    expect(answer.body).toMatchObject({ ...body, default_scope: ['reports:read'] });
    const unknown = { token: on.admin, body: { is_active: true } };
    expect((await on.api.send('put', `/api/agents/${agent.clientId}`, unknown)).status).toBe(400);
  });

  test('suspending refuses the agent’s live token at once; reactivating does not revive it', async () => {
    const { agent, token } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}`;
    const suspended = await on.api.send('post', `${at}/suspend`, {
      token: on.admin,
      body: { reason: 'odd behaviour' },
    });
    expect(suspended.body.state).toBe('suspended');
    expect((await on.api.send('get', '/api/agents/me', { token })).status).toBe(401);
    expect((await on.api.send('post', `${at}/suspend`, { token: on.admin, body: {} })).status).toBe(409);
    expect((await on.api.send('post', `${at}/reactivate`, { token: on.admin, body: {} })).body.state).toBe(
      'active',
    );
    expect((await on.api.send('get', '/api/agents/me', { token })).status).toBe(401);
    const [event] = await on.api.events('agent_suspended');
    expect(event).toMatchObject({
      clientId: agent.clientId,
      actor: 'taskgrant-admin',
      reason: 'odd behaviour',
    });
  });

  test('a deleted agent is gone, except for who asks for deleted ones', async () => {
    const { agent } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}`;
    const deleted = await on.api.send('delete', `${at}?reason=retired`, { token: on.admin });
    expect(deleted.body.agent).toMatchObject({ client_id: agent.clientId, state: 'revoked' });
    expect((await on.api.send('get', at, { token: on.admin })).status).toBe(404);
    expect((await on.api.send('get', `${at}?include_deleted=true`, { token: on.admin })).status).toBe(200);
    expect((await on.api.send('delete', at, { token: on.admin })).status).toBe(404);
    expect((await on.api.send('post', `${at}/reactivate`, { token: on.admin, body: {} })).status).toBe(404);
  });

  test('tools are listed, added and taken away', async () => {
    const { agent, token } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}/tools`;
    await on.api.send('post', at, { token: on.admin, body: { tool_id: 'browse' } });
    await on.api.send('post', `${at}/mail%2Fsend`, { token: on.admin });
    await on.api.send('delete', `${at}/search`, { token: on.admin });
    expect((await on.api.send('get', at, { token })).body).toEqual({
      client_id: agent.clientId,
      tools: [{ tool_id: 'browse' }, { tool_id: 'mail/send' }],
    });
    expect((await on.api.send('delete', `${at}/search`, { token: on.admin })).status).toBe(404);
  });
});

describe('POST /api/agents/:clientId/rotate-secret', () => {
  test('by the agent itself, with the verifier of its task', async () => {
    const { agent, token } = await anAgentWithToken();
    const at = `/api/agents/${agent.clientId}/rotate-secret`;
    expect((await on.api.send('post', at, { token, body: {} })).status).toBe(403);
    const answer = await on.api.send('post', at, { token, body: { code_verifier: TASK_VERIFIER } });
    expect(answer.body).toEqual({
      client_id: agent.clientId,
      client_secret: expect.stringMatching(/^tgs_/),
      old_secrets_expire_at: new Date(on.api.clock.now() + 3_600_000).toISOString(),
    });
  });

  test('by another agent is refused as if there were none', async () => {
    const { agent } = await anAgentWithToken();
    const { token } = await anAgentWithToken();
    const body = { code_verifier: TASK_VERIFIER };
    for (const clientId of [agent.clientId, 'taskgrant-admin', 'agt_nobody']) {
      const answer = await on.api.send('post', `/api/agents/${clientId}/rotate-secret`, { token, body });
      expect(answer.status).toBe(404);
    }
  });

  test('by an administrator, at once', async () => {
    const { agent } = await anAgentWithToken();
    const body = { immediate: true };
    await on.api.send('post', `/api/agents/${agent.clientId}/rotate-secret`, { token: on.admin, body });
    expect(await on.api.store.agents.secrets(agent.clientId, on.api.clock.now())).toHaveLength(1);
  });
});
