import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiClient, createApiClient } from '../support/api-client.ts';
import { aRegistration, openFor, registeredAgent } from '../support/registered-agent.ts';
import { activateAgent } from '../../src/app/agents/activate-agent.ts';
import { registerAgent } from '../../src/app/agents/register-agent.ts';
import { CALLER } from '../support/app-context.ts';

let api: ApiClient;

beforeAll(async () => {
  api = await createApiClient();
});
afterAll(() => api.close());

describe('what once went wrong in the administration of agents', () => {
  test('anyone got any scope for a root task by asking for it at registration', async () => {
    const body = { agent_name: 'Greedy agent', permissions: ['admin:write', '*:*', 'reports:write'] };
    const registered = await api.send('post', '/api/agents/register', { body });
    const { registration_token } = registered.body.credentials;
    const activated = await api.send('post', '/api/agents/activate', { body: { registration_token } });
    // The wildcard covers what anyone gets, and brings no more.
    expect(activated.body.agent.permissions).toEqual(['example:read']);
    const agent = (await api.store.agents.byId(activated.body.agent.client_id))!;
    for (const right of ['admin:write', '*:*', 'reports:write']) {
      await expect(openFor(api.context, agent, { scope: [right] })).rejects.toMatchObject({
        code: 'scope_exceeds_ceiling',
      });
    }
    expect((await openFor(api.context, agent)).access.token.scope).toEqual(['example:read']);
  });

  test('deleting an agent erased its audit rows, its tasks and its tokens', async () => {
    const { agent } = await registeredAgent(api.context);
    const issued = await openFor(api.context, agent);
    const { clientId } = agent;
    const history = () => api.store.audit.search({ clientId }, { limit: 200 });
    const before = (await history()).items.map(({ id }) => id);
    const token = await api.adminToken();
    expect((await api.send('delete', `/api/agents/${clientId}`, { token })).status).toBe(200);
    const after = await history();
    expect(after.items.map(({ id }) => id)).toEqual(expect.arrayContaining(before));
    expect(after.items).toHaveLength(before.length + 1);
    expect(after.items).toContainEqual(
      expect.objectContaining({ type: 'agent_deleted', actor: 'taskgrant-admin' }),
    );
    expect(await api.store.agents.byId(clientId)).toMatchObject({ name: agent.name, state: 'revoked' });
    expect(await api.store.tasks.byHandle(issued.task.handle)).toBeDefined();
    expect(await api.store.tokens.byId(issued.access.token.tokenId)).toBeDefined();
  });

  test('a registration token worked again and again', async () => {
    const { credentials } = await registerAgent(api.context, aRegistration());
    const { registrationToken } = credentials;
    await activateAgent(api.context, { caller: CALLER, registrationToken });
    const body = { registration_token: registrationToken };
    const again = await api.send('post', '/api/agents/activate', { body });
    expect([again.status, again.body.detail]).toEqual([409, 'the registration token was used already']);
    expect((await api.events('request_refused')).length).toBeGreaterThan(0);
  });

  test.each([
    ['get', '/api/agents/list'],
    ['get', '/api/agents/taskgrant-admin'],
    ['put', '/api/agents/taskgrant-admin'],
    ['delete', '/api/agents/taskgrant-admin'],
    ['post', '/api/agents/taskgrant-admin/suspend'],
    ['post', '/api/agents/taskgrant-admin/reactivate'],
    ['post', '/api/agents/taskgrant-admin/rotate-secret'],
    ['get', '/api/agents/taskgrant-admin/tools'],
    ['post', '/api/agents/taskgrant-admin/tools/browse'],
    ['delete', '/api/agents/taskgrant-admin/tools/browse'],
    ['get', '/api/admin/users'],
    ['post', '/api/admin/users'],
    ['get', '/api/admin/resource-servers'],
    ['post', '/api/admin/resource-servers'],
  ] as const)('%s %s worked without authentication', async (method, path) => {
    const answer = await api.send(method, path);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  test('an agent’s token administered the server whatever it was issued for', async () => {
    const { agent } = await registeredAgent(api.context, { permissions: ['admin:read', 'admin:write'] });
    const issued = await openFor(api.context, agent);
    const answer = await api.send('get', '/api/agents/list', { token: issued.access.value });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
  });
});
