import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Agent, createAgent } from '@taskgrant/sdk/agent';
import { Permissions } from '@taskgrant/sdk/permissions';
import { adminToken, type AgentParty, asAdmin, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';

/** Every method that the SDKs of the source systems document, under its name in camelCase, against the real server. */
let server: TestServer;
let admin: Agent;
let parties: AgentParty[];

beforeAll(async () => {
  server = await startServer({ settings: { webhooks: {} } });
  admin = createAgent({ issuer: server.issuer, accessToken: await adminToken(server) });
  parties = await Promise.all([registerAgent(server), registerAgent(server)]);
});
afterAll(() => server.stop());

const FLAT = [
  'register_agent',
  'verify_agent',
  'refresh_token',
  'revoke_tokens',
  'list_agents',
  'get_agent',
  'revoke_agent',
  'get_activity',
  'update_agent_tier',
  'register_webhook',
  'list_webhooks',
  'delete_webhook',
  'regenerate_webhook_secret',
  'get_webhook_events',
  'list_permissions',
  'health_check',
  'set_access_token',
  'close',
  // agentictrust: `agent.…` and those on the client itself
  'register',
  'activate',
  'start_task',
];
const OF_TOKEN = [
  'request',
  'call_protected_endpoint',
  'revoke',
  'verify',
  'introspect',
  'refresh',
  'set_parent_context',
  'start_task',
];

const camel = (name: string) => name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());

test('every documented name exists', () => {
  const members = (value: object) => value as Record<string, unknown>;
  for (const name of FLAT) expect([name, typeof members(admin)[camel(name)]]).toEqual([name, 'function']);
  for (const name of OF_TOKEN)
    expect([name, typeof members(admin.token)[camel(name)]]).toEqual([name, 'function']);
});

describe('the names of AgentAuth', () => {
  test('registerAgent, verifyAgent, getAgent, getActivity, refreshToken, revokeTokens', async () => {
    const client = createAgent({ issuer: server.issuer, origins: [] });
    const { agent, credentials } = await admin.registerAgent({
      name: 'Customer Support Agent',
      ownerEmail: 'you@example.com',
      permissions: [Permissions.Zendesk.Tickets.Read, Permissions.Slack.Messages.Write],
    });
    const asked = { agentId: agent.agent_id, apiKey: credentials.api_key };
    const verified = await client.verifyAgent(asked);
    expect(verified).toMatchObject({ verified: true, token: { refresh_token: expect.any(String) } });
    expect(await client.getAgent(agent.agent_id)).toMatchObject({
      agent: {
        name: 'Customer Support Agent',
        permissions: ['zendesk:tickets:read', 'slack:messages:write'],
      },
    });
    const { activity, pagination } = await client.getActivity(agent.agent_id, { limit: 5, offset: 0 });
    expect(activity.length).toBeGreaterThan(0);
    expect(pagination).toMatchObject({ limit: 5, offset: 0, count: activity.length });
    const { refresh_token: refresh = '' } = verified.token;
    const codeVerifier = (await client.current()).codeVerifier;
    const rotated = await client.refreshToken(refresh, { codeVerifier });
    expect(await client.accessToken()).toBe(rotated.access_token);
    expect(await client.revokeTokens()).toMatchObject({ success: true });
    await expect(client.getAgent(agent.agent_id)).rejects.toMatchObject({ status: 401 });
    await client.close();
  });

  test('listAgents, updateAgentTier, revokeAgent, for administrators', async () => {
    const [party] = parties;
    const id = party?.clientId ?? '';
    const { agents, total } = await admin.listAgents({ limit: 50 });
    expect(agents.map(({ agent_id: each }) => each)).toContain(id);
    expect(total).toBeGreaterThanOrEqual(2);
    expect(await admin.updateAgentTier(id, 'enterprise')).toMatchObject({ agent: { tier: 'enterprise' } });
    const other = await registerAgent(server);
    expect(await admin.revokeAgent(other.clientId, 'no longer used')).toMatchObject({
      agent: { status: 'revoked' },
    });
    const asItself = createAgent({ issuer: server.issuer, ...parties[1] });
    await expect(asItself.updateAgentTier(parties[1]?.clientId ?? '', 'pro')).rejects.toMatchObject({
      status: 401,
    });
  });

  test('registerWebhook, listWebhooks, regenerateWebhookSecret, deleteWebhook, getWebhookEvents', async () => {
    const client = createAgent({ issuer: server.issuer, ...parties[0] });
    const url = 'https://hooks.example.com/agentauth';
    const { webhook, secret } = await client.registerWebhook({
      url,
      events: ['agent.verified', 'agent.revoked'],
    });
    expect(webhook).toMatchObject({ url, agent_id: parties[0]?.clientId });
    expect((await client.listWebhooks()).webhooks.map(({ id }) => id)).toEqual([webhook.id]);
    const renewed = await client.regenerateWebhookSecret(webhook.id);
    expect(renewed.secret).not.toBe(secret);
    expect(await client.deleteWebhook(webhook.id)).toBeUndefined();
    expect((await client.listWebhooks()).webhooks).toEqual([]);
    expect((await client.getWebhookEvents()).events.map(({ name }) => name)).toContain('agent.registered');
  });

  test('listPermissions, healthCheck, setAccessToken, close', async () => {
    const client = createAgent({ issuer: server.issuer });
    const { permissions, services } = await client.listPermissions();
    expect(permissions).toContain(Permissions.Zendesk.Tickets.Read);
    expect(services.map(({ service }) => service)).toContain('stripe');
    expect(await client.healthCheck()).toEqual({ status: 'ok', database: 'ok' });
    client.setAccessToken(await adminToken(server));
    expect((await client.listAgents({ limit: 1 })).agents).toHaveLength(1);
    await client.close();
    await expect(client.listPermissions()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('the names of agentictrust', () => {
  test('agent.register, agent.activate, token.request and what follows it', async () => {
    const registered = await admin.register({
      agentName: 'ExampleAgent',
      description: 'An example agent',
      allowedTools: ['web_search', 'document_retrieval'],
      allowedResources: ['search_engine', 'document_store'],
      permissions: ['example:read', 'reports:read'],
    });
    const {
      client_id: clientId,
      client_secret: clientSecret = '',
      registration_token: token,
    } = registered.credentials;
    const client = createAgent({ issuer: server.issuer });
    expect(await client.activate(token)).toMatchObject({ agent: { is_active: true } });
    const answer = await client.token.request({
      clientId,
      clientSecret,
      scope: ['example:read', 'reports:read'],
      taskDescription: 'Search for information about OAuth',
      requiredTools: ['web_search'],
      requiredResources: ['search_engine'],
    });
    expect(answer).toMatchObject({ granted_tools: ['web_search'], granted_resources: ['search_engine'] });
    expect(await client.token.callProtectedEndpoint()).toMatchObject({
      task_id: answer.task_id,
      tools: ['web_search'],
    });
    const checked = { taskId: answer.task_id, tool: 'web_search' };
    expect(await client.token.verify(checked)).toMatchObject({
      is_valid: true,
      task_context_valid: true,
      tool_access_valid: true,
    });
    expect(await client.token.verify({ tool: 'rm' })).toMatchObject({
      is_valid: true,
      tool_access_valid: false,
    });
    expect(await client.token.introspect({ includeTaskHistory: true, includeChildren: true })).toMatchObject({
      active: true,
      task: { description: 'Search for information about OAuth' },
      children: [],
      task_history: expect.any(Array),
    });
    const refreshed = await client.token.refresh();
    expect(refreshed).toMatchObject({ task_id: answer.task_id });
    expect(await client.token.revoke('Task completed')).toMatchObject({ revoked: true });
    expect(await client.token.introspect({ token: refreshed.access_token })).toEqual({ active: false });
  });

  test('setParentContext puts what follows below a task; startTask revokes on leaving', async () => {
    const client = createAgent({ issuer: server.issuer, ...parties[0] });
    const parent = await client.startTask({ description: 'Parent' });
    client.token.setParentContext(parent);
    const child = await client.token.request({ taskDescription: 'Child' });
    expect(child).toMatchObject({ parent_task_id: parent.id, parent_token_id: parent.answer.token_id });
    // The same by values, as another process would know them.
    const { codeVerifier } = parent;
    client.token.setParentContext({ token: await parent.accessToken(), taskId: parent.id, codeVerifier });
    expect(await client.token.request({})).toMatchObject({ parent_task_id: parent.id });
    let id = '';
    {
      await using below = await client.token.startTask({ description: 'Until the brace' });
      id = below.id;
      expect(below.parentId).toBe(parent.id);
    }
    expect((await asAdmin(server, 'GET', `/api/tasks/${id}`)).body).toMatchObject({ state: 'revoked' });
    client.token.setParentContext(null);
    expect((await client.token.request({})).parent_task_id).toBeUndefined();
  });

  test('callProtectedEndpoint tells what the API says no to', async () => {
    const client = createAgent({ issuer: server.issuer, ...parties[0] });
    await client.token.request({});
    const wrong = client.token.callProtectedEndpoint(undefined, {
      headers: { authorization: 'Bearer stolen' },
    });
    await expect(wrong).resolves.toMatchObject({ client_id: parties[0]?.clientId });
    await expect(client.token.callProtectedEndpoint(`${server.issuer}/api/tasks/none`)).rejects.toMatchObject(
      {
        status: 404,
        code: 'not_found',
      },
    );
  });
});
