import { randomUUID } from 'node:crypto';
import { registerWithKey } from './agent-auth.ts';
import type { Operation } from './described-operations.ts';
import { administer, createPerson, registerAgent, registerResourceServer } from './parties.ts';
import type { TestServer } from './server.ts';
import { open } from './token-requests.ts';

export type Members = Readonly<Record<string, unknown>>;

/** What the parameters of paths and the members of bodies are when nothing is wrong with them. */
export interface Scene {
  readonly path: Readonly<Record<string, string>>;
  readonly body: Members;
}

const bodyOf = (path: string, { agentId, apiKey }: { agentId: string; apiKey: string }): Members => {
  if (/\/agents\/(verify|refresh)$|\/login$/.test(path)) {
    return { agent_id: agentId, api_key: apiKey, refresh_token: 'none' };
  }
  if (path === '/api/revocations/poll') return { returnImmediately: true };
  if (path.startsWith('/api/admin/permissions')) {
    return { permission: `crm:notes:read-${randomUUID()}`, description: 'Read notes' };
  }
  const name = path === '/api/admin/roles' ? `role-${randomUUID()}` : 'Some name';
  return {
    name,
    agent_name: name,
    owner_email: 'you@company.com',
    tool_id: 'browse',
    tier: 'pro',
    email: `${randomUUID()}@example.com`,
    password: 'a password of some length',
    permissions: ['example:read'],
    audiences: [`https://${randomUUID()}.example.com/`],
    url: 'https://example.com/hook',
    events: ['permission.removed'],
    registration_token: 'none',
  };
};

/** Makes what a request to a route names, so that the request gets as far as it can. */
export async function sceneOf(server: TestServer, { path, members }: Operation): Promise<Scene> {
  const has = (name: string) => path.includes(`{${name}}`);
  const party = await registerWithKey(server);
  const body = Object.entries(bodyOf(path, party)).filter(([name]) => members?.includes(name));
  const parameters: Record<string, string> = { toolId: 'browse', grant: 'none', id: '1', client_id: 'none' };
  const isApi = path.includes('resource-servers');
  const client = isApi ? await registerResourceServer(server) : { clientId: party.agentId };
  parameters['clientId'] = client.clientId;
  if (has('keyId')) {
    const made = await administer(server, 'POST', `/api/agents/${party.agentId}/api-keys`, { name: 'Key' });
    parameters['keyId'] = made.key.key_id;
  }
  if (has('taskId') || has('task_id') || has('token_id')) {
    const task = await open(server, await registerAgent(server));
    Object.assign(parameters, { taskId: task.taskId, task_id: task.taskId, token_id: task.tokenId });
  }
  if (has('userId')) parameters['userId'] = (await createPerson(server)).userId;
  if (has('name')) {
    parameters['name'] = `role-${randomUUID()}`;
    const role = { name: parameters['name'], permissions: ['example:read'] };
    await administer(server, 'POST', '/api/admin/roles', role);
  }
  if (has('webhookId')) {
    const made = await administer(server, 'POST', '/webhooks', {
      url: 'https://example.com/hook',
      // Seldom: there will be many of them, and each is told.
      events: ['permission.removed'],
    });
    parameters['webhookId'] = made.webhook.id;
    const sent = await administer(server, 'POST', `/webhooks/${made.webhook.id}/test`);
    parameters['deliveryId'] = sent.id;
  }
  return { path: parameters, body: Object.fromEntries(body) };
}
