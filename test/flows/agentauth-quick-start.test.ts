import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startAsDelivered, withToken } from '../support/agent-auth.ts';
import { asAdmin } from '../support/parties.ts';
import { postJson, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { ADMIN, introspect } from '../support/token-requests.ts';

/**
 * The quick start of the AgentAuth SDK and each of its methods, in the order of its documentation, by plain HTTP
 * against the settings that a first start has.
 */
let server: TestServer;
/** What its client keeps between the steps. */
const client = { agentId: '', apiKey: '', accessToken: '', refreshToken: '' };
const asked = [
  'zendesk:tickets:read',
  'zendesk:tickets:write',
  'slack:messages:write',
  'hubspot:contacts:read',
];

beforeAll(async () => {
  server = await startAsDelivered();
});
afterAll(() => server.stop());

const asAgent = (method: string, path: string, body?: unknown) =>
  withToken(server, client.accessToken, method, path, body);

describe('the AgentAuth quick start', () => {
  test('register_agent: an agent acts at once, and its key is shown this once', async () => {
    const { status, body } = await postJson(server, '/agents/register', {
      name: 'Customer Support Agent',
      owner_email: 'you@company.com',
      permissions: asked,
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      agent: {
        agent_id: expect.stringMatching(/^agt_/),
        name: 'Customer Support Agent',
        description: '',
        owner_email: 'you@company.com',
        permissions: asked,
        pending_permissions: [],
        tier: 'free',
        status: 'active',
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
      credentials: {
        api_key: expect.stringMatching(/^tg_[0-9A-Za-z]{12}_[\w-]{43}$/),
        token_type: 'Bearer',
      },
      agent_id: body.agent.agent_id,
      api_key: body.credentials.api_key,
    });
    client.agentId = body.agent.agent_id;
    client.apiKey = body.credentials.api_key;
  });

  test('verify_agent: its key gets it tokens of a task of its own', async () => {
    const credentials = { agent_id: client.agentId, api_key: client.apiKey };
    const { status, body, headers } = await postJson(server, '/agents/verify', credentials);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      success: true,
      verified: true,
      agent: { agent_id: client.agentId, status: 'active', permissions: asked },
      token: { token_type: 'Bearer', scope: asked.join(' '), verifier_bound: false },
    });
    expect(Math.abs(body.token.expires_in - 600)).toBeLessThan(30);
    expect(headers.get('cache-control')).toBe('no-store');
    const told = await introspect(server, ADMIN, body.token.access_token);
    expect(told).toMatchObject({
      active: true,
      sub: client.agentId,
      client_id: client.agentId,
      task: { id: body.token.task_id, depth: 0, state: 'active' },
    });
    client.accessToken = body.token.access_token;
    client.refreshToken = body.token.refresh_token;
  });

  test('get_activity: the agent sees what it did', async () => {
    const { status, body } = await asAgent('GET', `/agents/${client.agentId}/activity?limit=3&offset=1`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      agent_id: client.agentId,
      pagination: { offset: 1, limit: 3, count: 3, total_truncated: false, has_more: true },
    });
    const all = await asAgent('GET', `/agents/${client.agentId}/activity`);
    const types: string[] = all.body.activity.map((row: { event_type: string }) => row.event_type);
    expect(types.sort((a, b) => (a < b ? -1 : 1))).toEqual([
      'agent_activated',
      'agent_registered',
      'agent_verified',
      'api_key_created',
      'task_opened',
      'token_issued',
    ]);
    expect(all.body.pagination).toMatchObject({ count: types.length, total: types.length, has_more: false });
    expect(all.body.activity.slice(1, 4)).toEqual(body.activity);
  });

  test('refresh_token: the tokens are rotated, and the new ones work', async () => {
    const { status, body } = await postJson(server, '/agents/refresh', {
      refresh_token: client.refreshToken,
    });
    expect([status, body.success, body.token.token_type]).toEqual([200, true, 'Bearer']);
    expect(body.token.refresh_token).not.toBe(client.refreshToken);
    client.accessToken = body.token.access_token;
    client.refreshToken = body.token.refresh_token;
    const { active, task } = await introspect(server, ADMIN, client.accessToken);
    expect([active, task.id]).toEqual([true, body.token.task_id]);
  });

  test('get_agent: the agent sees itself, and nobody else', async () => {
    const { status, body } = await asAgent('GET', `/agents/${client.agentId}`);
    expect([status, body.agent.agent_id, body.agent.tier]).toEqual([200, client.agentId, 'free']);
    expect((await asAgent('GET', '/agents/taskgrant-admin')).status).toBe(404);
  });

  test('list_agents: administrators only', async () => {
    expect((await asAgent('GET', '/agents')).status).toBe(401);
    const { status, body } = await asAdmin(server, 'GET', '/agents?limit=1');
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: 2, agents: [{ agent_id: client.agentId }] });
    expect(body.pagination).toMatchObject({ offset: 0, limit: 1, count: 1, has_more: true });
  });

  test('update_agent_tier: administrators only', async () => {
    const path = `/agents/${client.agentId}/tier`;
    expect((await asAgent('PUT', path, { tier: 'enterprise' })).status).toBe(401);
    const { status, body } = await asAdmin(server, 'PUT', path, { tier: 'pro' });
    expect([status, body.agent.tier]).toEqual([200, 'pro']);
    expect((await asAgent('GET', `/agents/${client.agentId}`)).body.agent.tier).toBe('pro');
  });

  test('register_webhook, list_webhooks, regenerate_webhook_secret, delete_webhook, get_webhook_events', async () => {
    const events = ['agent.verified', 'agent.revoked'];
    const known = await asAgent('GET', '/webhooks/events');
    expect(known.body.events.map((event: { name: string }) => event.name)).toEqual(
      expect.arrayContaining(['agent.registered', ...events]),
    );
    const made = await asAgent('POST', '/webhooks', { url: 'http://127.0.0.1:9/webhooks/agentauth', events });
    expect([made.status, made.body.webhook.events]).toEqual([201, events]);
    const { id } = made.body.webhook;
    const listed = await asAgent('GET', '/webhooks');
    expect(listed.body.webhooks.map((webhook: { id: string }) => webhook.id)).toEqual([id]);
    const changed = await asAgent('POST', `/webhooks/${id}/regenerate-secret`, {});
    expect([changed.status, changed.body.webhook.id]).toEqual([200, id]);
    expect((await asAgent('DELETE', `/webhooks/${id}`)).status).toBe(204);
    expect((await asAgent('GET', '/webhooks')).body.webhooks).toEqual([]);
  });

  test('list_permissions and health_check answer anybody', async () => {
    const { status, body } = await send(server, '/permissions/list');
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain('zendesk:tickets:read');
    expect((await send(server, '/health')).status).toBe(200);
  });

  test('an invalid permission is named with what is wrong with it', async () => {
    const { status, body } = await postJson(server, '/agents/register', {
      name: 'Test Agent',
      owner_email: 'test@example.com',
      permissions: ['zendesk:tickets:read', 'invalid:permission', 'zendesk:rockets:read'],
    });
    expect(status).toBe(400);
    expect(body.invalid_permissions).toEqual([
      { permission: 'invalid:permission', reason: expect.stringMatching(/.{10}/) },
      { permission: 'zendesk:rockets:read', reason: expect.stringContaining('tickets') },
    ]);
  });

  test('revoke_tokens: everything that the key opened has ended', async () => {
    const again = await postJson(server, '/agents/verify', {
      agent_id: client.agentId,
      api_key: client.apiKey,
    });
    const { status, body } = await asAgent('POST', '/agents/revoke-tokens');
    expect([status, body.success, body.revoked_tasks]).toEqual([200, true, 2]);
    // Two of the first task were issued and two by the refresh, which used up one; two of the second.
    expect(body.revoked_tokens).toBe(5);
    for (const token of [client.accessToken, again.body.token.access_token]) {
      expect(await introspect(server, ADMIN, token)).toEqual({ active: false });
    }
    const refused = await postJson(server, '/agents/refresh', { refresh_token: client.refreshToken });
    expect([refused.status, refused.body.code]).toEqual([400, 'grant_revoked']);
    expect((await asAgent('GET', `/agents/${client.agentId}`)).status).toBe(401);
  });

  test('revoke_agent: the agent ends itself, for good', async () => {
    const credentials = { agent_id: client.agentId, api_key: client.apiKey };
    const { body: last } = await postJson(server, '/agents/verify', credentials);
    client.accessToken = last.token.access_token;
    const { status, body } = await asAgent('POST', `/agents/${client.agentId}/revoke`);
    expect([status, body.agent.status]).toEqual([200, 'revoked']);
    expect((await asAgent('GET', `/agents/${client.agentId}`)).status).toBe(401);
    const refused = await postJson(server, '/agents/verify', credentials);
    expect([refused.status, refused.body.verified]).toEqual([401, false]);
    const seen = await asAdmin(server, 'GET', `/agents/${client.agentId}`);
    expect([seen.status, seen.body.agent.status]).toEqual([200, 'revoked']);
    const revoked = await asAdmin(server, 'GET', '/agents?status=revoked');
    expect(revoked.body.agents.map((agent: { agent_id: string }) => agent.agent_id)).toEqual([
      client.agentId,
    ]);
  });
});
