import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Admin, createAdmin, type TaskgrantError } from '@taskgrant/sdk/admin';
import { createAgent } from '@taskgrant/sdk/agent';
import {
  ADMIN_CLIENT,
  ADMIN_CLIENT_SECRET,
  startServer,
  type TestServer,
} from '../../test/support/server.ts';

/** What an administrator's program does, against the real server. */
let server: TestServer;
let admin: Admin;

beforeAll(async () => {
  server = await startServer();
  const { issuer } = server;
  admin = createAdmin({ issuer, clientId: ADMIN_CLIENT, clientSecret: ADMIN_CLIENT_SECRET });
});
afterAll(async () => {
  await admin.close();
  await server.stop();
});

async function anAgent(name: string) {
  const asked = { agentName: name, permissions: ['reports:read', 'example:read'], allowedTools: ['search'] };
  const { credentials } = await admin.agents.register(asked);
  const { client_id: clientId, client_secret: clientSecret, registration_token: token } = credentials;
  const agent = createAgent({ issuer: server.issuer, clientId, clientSecret });
  await agent.activate(token);
  return agent;
}

const idOf = ({ clientId }: { readonly clientId: string | undefined }) => clientId ?? '';

describe('lists', () => {
  test('are read to their end, page by page, and no further than they are read', async () => {
    const agent = await anAgent('Opens many tasks');
    const opened = await Promise.all(Array.from({ length: 7 }, () => agent.task()));
    const found = admin.tasks.search({ clientId: idOf(agent), state: 'active' }, { limit: 3 });
    const ids: string[] = [];
    for await (const { task_id: id } of found) ids.push(id);
    expect(new Set(ids)).toEqual(new Set(opened.map(({ id }) => id)));
    expect(ids).toHaveLength(7);
    const first = await found.page();
    expect(first.items.map(({ task_id: id }) => id)).toEqual(ids.slice(0, 3));
    expect((await found.page(first.next ?? '')).items.map(({ task_id: id }) => id)).toEqual(ids.slice(3, 6));
    expect(await found.take(4)).toHaveLength(4);
    expect(await admin.tasks.search({ clientId: 'agt_none' }).take(5)).toEqual([]);
  });
});

describe('tokens, tasks and the audit trail', () => {
  test('show who did what on whose authority, and cut it off', async () => {
    const agent = await anAgent('Does things');
    const task = await agent.task({ description: 'A piece of work' });
    const child = await task.child({ scope: 'example:read', description: 'Part of it' });
    const tree = await admin.tasks.tree(task.id).take(10);
    expect(tree.map(({ description }) => description)).toEqual(['A piece of work', 'Part of it']);
    expect(await admin.tasks.get(child.id)).toMatchObject({ parent_task_id: task.id });
    const [token] = await admin.tokens.search({ taskId: child.id, isValid: true }).take(5);
    expect(token).toMatchObject({ client_id: idOf(agent), scope: 'example:read', is_valid: true });
    expect(await admin.tokens.get(token?.token_id ?? '')).toEqual(token);
    const chain = await admin.audit.chain(child.id);
    expect(chain).toMatchObject({ root_task_id: task.id, task_chain: [task.id, child.id] });
    expect(chain.task_details[1]).toMatchObject({ scope_after: 'example:read' });
    expect(await admin.tokens.revoke(task.answer.token_id, { reason: 'enough' })).toMatchObject({
      revoked: true,
      affected_child_tokens: 1,
    });
    const [seen] = await admin.audit.logs({ taskId: task.id, eventType: 'token_revoked' }).take(1);
    expect(seen).toMatchObject({ reason: 'enough', actor: ADMIN_CLIENT });
    const history = await admin.audit.ofTask(child.id).take(20);
    expect(history.map(({ event_type: type }) => type)).toContain('task_derived');
    await expect(child.renew()).rejects.toMatchObject({ name: 'TaskgrantError' });
    const other = await agent.task();
    expect(await admin.tasks.revoke(other.id, { reason: 'also' })).toMatchObject({ state: 'revoked' });
    expect((await admin.dashboard()).revocations).toBeGreaterThanOrEqual(2);
  });
});

describe('agents', () => {
  test('are changed, suspended, brought back and deleted', async () => {
    const agent = await anAgent('Changes');
    const id = idOf(agent);
    expect(await admin.agents.update(id, { tier: 'pro', maxDepth: 2, maxTaskSeconds: null })).toMatchObject({
      tier: 'pro',
      max_depth: 2,
    });
    await admin.agents.addTool(id, 'calendar');
    await admin.agents.removeTool(id, 'search');
    expect((await admin.agents.get(id)).allowed_tools).toEqual(['calendar']);
    const task = await agent.task();
    expect(await admin.agents.suspend(id, { reason: 'looks odd' })).toMatchObject({ state: 'suspended' });
    await expect(task.renew()).rejects.toBeInstanceOf(Error);
    expect(await admin.agents.reactivate(id)).toMatchObject({ state: 'active' });
    const { client_secret: secret } = await admin.agents.rotateSecret(id, { immediate: true });
    await expect(agent.task()).rejects.toMatchObject({ code: 'invalid_client' });
    const renewed = createAgent({ issuer: server.issuer, clientId: id, clientSecret: secret });
    await renewed.task({}, () => 'works');
    expect((await admin.agents.delete(id, { reason: 'gone' })).agent).toMatchObject({ state: 'revoked' });
    const all = await admin.agents.list({ name: 'Changes', includeDeleted: true }).take(5);
    expect(all.map(({ client_id: each }) => each)).toEqual([id]);
  });

  test('have API keys that are made, rotated and revoked', async () => {
    const id = idOf(await anAgent('Has keys'));
    const { api_key: value, key } = await admin.agents.keys.create(id, { name: 'CI', expiresIn: 3600 });
    expect(value.startsWith(key.prefix)).toBe(true);
    const { key: next, replaced } = await admin.agents.keys.rotate(id, key.key_id);
    expect(replaced).toMatchObject({ key_id: key.key_id, replaced_by: next.key_id });
    expect(await admin.agents.keys.revoke(id, next.key_id)).toMatchObject({ key: { state: 'revoked' } });
    expect(await admin.agents.keys.list(id).take(5)).toHaveLength(2);
  });
});

describe('what is registered', () => {
  test('resource servers', async () => {
    const terms = { name: 'Notes', audiences: ['https://notes.example.com/'], scopes: ['reports:read'] };
    const { resource_server: made, credentials } = await admin.resourceServers.register(terms);
    expect(credentials.client_secret).toEqual(expect.any(String));
    const { client_id: id } = made;
    expect(await admin.resourceServers.update(id, { tokenFormat: 'opaque' })).toMatchObject({
      token_format: 'opaque',
    });
    expect(await admin.resourceServers.rotateSecret(id)).toMatchObject({ client_id: id });
    expect(await admin.resourceServers.get(id)).toMatchObject({ name: 'Notes' });
    expect(await admin.resourceServers.list().take(50)).toEqual(
      expect.arrayContaining([expect.objectContaining({ client_id: id })]),
    );
    expect(await admin.resourceServers.delete(id)).toBeUndefined();
  });

  test('roles, and who has them', async () => {
    const id = idOf(await anAgent('Has a role'));
    await admin.roles.create({ name: 'reader', permissions: ['files:read'] });
    expect(await admin.roles.assignAgent('reader', id)).toMatchObject({ roles: ['reader'] });
    expect(await admin.roles.members('reader').take(5)).toMatchObject([{ kind: 'agent', id }]);
    expect(await admin.roles.update('reader', { permissions: ['files:read', 'reports:read'] })).toMatchObject(
      { name: 'reader' },
    );
    expect(await admin.roles.unassignAgent('reader', id)).toMatchObject({ roles: [] });
    const email = 'role@example.com';
    const { user_id: user } = await admin.users.create({
      email,
      name: 'Ada',
      password: 'a password of some length',
    });
    expect(await admin.roles.assignUser('reader', user)).toMatchObject({ roles: ['reader'] });
    expect(await admin.roles.unassignUser('reader', user)).toMatchObject({ roles: [] });
    expect((await admin.roles.list().take(5)).map(({ name }) => name)).toContain('reader');
    expect(await admin.roles.get('reader')).toMatchObject({ permissions: ['files:read', 'reports:read'] });
    await admin.roles.delete('reader', { reason: 'not needed' });
    await expect(admin.roles.get('reader')).rejects.toMatchObject({ status: 404, code: 'not_found' });
  });

  test('people', async () => {
    const asked = { email: 'bob@example.com', name: 'Bob', password: 'a password of some length' };
    const { user_id: id } = await admin.users.create(asked);
    expect(await admin.users.update(id, { name: 'Robert' })).toMatchObject({ name: 'Robert' });
    expect(await admin.users.disable(id, { reason: 'on leave' })).toMatchObject({ state: 'disabled' });
    expect(await admin.users.enable(id)).toMatchObject({ state: 'active' });
    expect(await admin.users.signOut(id)).toMatchObject({ user_id: id });
    expect(await admin.users.get(id)).toMatchObject({ email: asked.email });
    expect(await admin.users.consents(id).take(1)).toEqual([]);
    await expect(admin.users.withdrawConsent(id, 'none')).rejects.toMatchObject({ status: 404 });
    expect((await admin.users.list().take(50)).map(({ user_id: each }) => each)).toContain(id);
  });

  test('permissions', async () => {
    await admin.permissions.add({ permission: 'crm:notes:read', description: 'Read notes' });
    expect((await admin.permissions.list().take(5)).map(({ permission }) => permission)).toEqual([
      'crm:notes:read',
    ]);
    await admin.permissions.remove('crm:notes:read');
    expect(await admin.permissions.list().take(5)).toEqual([]);
  });

  test('webhooks', async () => {
    const terms = { url: 'https://hooks.example.com/x', events: ['agent.*'] };
    const { webhook, secret } = await admin.webhooks.register(terms);
    expect(secret).toMatch(/^whsec_/);
    expect(await admin.webhooks.update(webhook.id, { description: 'Tells' })).toMatchObject({
      description: 'Tells',
    });
    expect(await admin.webhooks.disable(webhook.id)).toMatchObject({ enabled: false });
    expect(await admin.webhooks.enable(webhook.id)).toMatchObject({ enabled: true });
    expect((await admin.webhooks.regenerateSecret(webhook.id)).secret).not.toBe(secret);
    expect(await admin.webhooks.get(webhook.id)).toMatchObject({ url: terms.url });
    expect(await admin.webhooks.list().take(5)).toHaveLength(1);
    expect(await admin.webhooks.deliveries(webhook.id).take(1)).toEqual([]);
    expect(await admin.webhooks.delete(webhook.id)).toBeUndefined();
  });
});

describe('a refusal', () => {
  test('is typed', async () => {
    const error = (await admin.tokens.get('none').catch((thrown: unknown) => thrown)) as TaskgrantError;
    expect(error).toMatchObject({ name: 'TaskgrantError', status: 404, code: 'not_found', retryable: false });
    expect(error.requestId).toEqual(expect.any(String));
  });

  test.each(['', '.', '..'])('no id can lead to another route: %j', async (id) => {
    await expect(admin.agents.delete(id)).rejects.toMatchObject({ code: 'option_invalid' });
  });

  test('of an id that would be a path goes to the server as one id', async () => {
    await expect(admin.agents.get('../admin/tokens')).rejects.toMatchObject({ status: 404 });
  });

  test('of a client that is no administrator comes with its first call', async () => {
    const { clientId, clientSecret } = { clientId: idOf(await anAgent('No admin')), clientSecret: 'wrong' };
    const pretending = createAdmin({ issuer: server.issuer, clientId, clientSecret });
    await expect(pretending.dashboard()).rejects.toMatchObject({ code: 'invalid_client' });
  });
});
