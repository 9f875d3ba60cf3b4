import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { updateAgent } from '../../src/app/agents/update-agent.ts';
import { createUser } from '../../src/app/users/create-user.ts';
import { type ApiClient, createApiClient } from '../support/api-client.ts';
import { CALLER } from '../support/app-context.ts';
import { openFor, registeredAgent } from '../support/registered-agent.ts';

let api: ApiClient;
let admin: string;
let reader: string;
let made = 0;

beforeAll(async () => {
  api = await createApiClient();
  admin = await api.adminToken();
  reader = await api.adminToken('admin:read');
});
afterAll(() => api.close());

const at = (...parts: string[]) => ['/api/admin/roles', ...parts.map(encodeURIComponent)].join('/');

async function aRole(permissions: readonly string[]): Promise<string> {
  made += 1;
  const body = { name: `role-${made}`, permissions };
  expect((await api.send('post', at(), { token: admin, body })).status).toBe(201);
  return body.name;
}

async function aPerson(): Promise<string> {
  made += 1;
  const email = `person-${made}@example.com`;
  const user = { caller: CALLER, email, name: 'Ada', password: 'a long enough password', permissions: [] };
  return (await createUser(api.context, user)).userId;
}

describe('roles', () => {
  test('are created, shown, listed, changed and deleted', async () => {
    const body = { name: 'support', description: 'Answers customers', permissions: ['zendesk:tickets:*'] };
    const created = await api.send('post', at(), { token: admin, body });
    expect(created).toMatchObject({ status: 201, body });
    expect((await api.send('post', at(), { token: admin, body })).body.code).toBe('conflict');
    expect((await api.send('get', at('support'), { token: reader })).body).toEqual(created.body);
    expect((await api.send('get', at(), { token: reader })).body.roles).toContainEqual(created.body);
    const permissions = ['zendesk:tickets:read', 'slack:messages:write'];
    const changed = await api.send('put', at('support'), { token: admin, body: { permissions } });
    expect(changed.body).toMatchObject({ ...body, permissions });
    const removed = await api.send('delete', `${at('support')}?reason=unused`, { token: admin });
    expect(removed.status).toBe(204);
    expect((await api.send('get', at('support'), { token: reader })).status).toBe(404);
    expect(await api.events('role_created')).toContainEqual(
      expect.objectContaining({ details: { role: 'support', ...created.body, ...audited(body) } }),
    );
    expect(await api.events('role_updated')).toMatchObject([
      {
        actor: 'taskgrant-admin',
        details: {
          role: 'support',
          before: { permissions: ['zendesk:tickets:*'] },
          after: { permissions },
        },
      },
    ]);
    expect(await api.events('role_deleted')).toMatchObject([
      { reason: 'unused', details: { role: 'support', permissions, members: [], more_members: false } },
    ]);
  });

  test.each([
    [{ name: 'Support' }, 'parameter_invalid'],
    [{ name: '' }, 'parameter_invalid'],
    [{ name: '1st' }, 'parameter_invalid'],
    [{ name: '__proto__' }, 'parameter_invalid'],
    [{ name: 'süpport' }, 'parameter_invalid'],
    [{ name: 'x'.repeat(65) }, 'parameter_invalid'],
    [{ permissions: ['*:tickets:read'] }, 'permission_invalid'],
    [{ permissions: ['constructor:x:y'] }, 'permission_invalid'],
    [{ permissions: ['a::b'] }, 'permission_invalid'],
    [{ permissions: ['a"b'] }, 'parameter_invalid'],
    [{ permissions: undefined }, undefined],
    [{ members: [] }, undefined],
    [{ description: 'two\nlines' }, 'parameter_invalid'],
  ])('are refused with %j', async (over: object, code) => {
    const body = { name: 'refused', permissions: ['example:read'], ...over };
    const answer = await api.send('post', at(), { token: admin, body });
    expect(answer.status).toBe(400);
    if (code !== undefined) expect(answer.body.code).toBe(code);
    expect((await api.send('get', at('refused'), { token: reader })).status).toBe(404);
  });

  test('that do not exist are not found, whatever they are called', async () => {
    for (const name of ['nobody', 'constructor', '__proto__', 'x'.repeat(128)]) {
      const put = { token: admin, body: {} };
      expect((await api.send('get', at(name), { token: reader })).status).toBe(404);
      expect((await api.send('put', at(name), put)).status).toBe(404);
      expect((await api.send('delete', at(name), { token: admin })).status).toBe(404);
      expect((await api.send('get', at(name, 'members'), { token: reader })).status).toBe(404);
    }
  });
});

/** The event tells of the role by its name as `role`. */
function audited({ description, permissions }: { description: string; permissions: readonly string[] }) {
  return { name: undefined, created_at: undefined, updated_at: undefined, description, permissions };
}

describe('an agent with a role', () => {
  test('shows it, and what it may be granted by it; without it again, it does not', async () => {
    const role = await aRole(['files:read', 'files:*', 'reports:read']);
    const { agent } = await registeredAgent(api.context);
    const before = (await api.send('get', `/api/agents/${agent.clientId}`, { token: admin })).body;
    expect(before).toMatchObject({ roles: [], effective_permissions: ['reports:read', 'reports:write'] });
    const path = at(role, 'agents', agent.clientId);
    const given = await api.send('put', path, { token: admin });
    expect(given).toMatchObject({
      status: 200,
      body: {
        permissions: ['reports:read', 'reports:write'],
        roles: [role],
        effective_permissions: ['reports:read', 'reports:write', 'files:read', 'files:*'],
        default_scope: ['reports:read', 'reports:write', 'files:read'],
      },
    });
    expect((await api.send('put', path, { token: admin })).body).toEqual(given.body);
    expect((await api.send('get', at(role, 'members'), { token: reader })).body).toMatchObject({
      members: [{ kind: 'agent', id: agent.clientId, name: agent.name }],
      next_cursor: null,
    });
    expect((await api.send('delete', path, { token: admin })).body).toEqual(before);
    expect((await api.send('delete', path, { token: admin })).status).toBe(404);
    const about = { clientId: agent.clientId, details: { role, permissions: expect.any(Array) } };
    for (const type of ['role_assigned', 'role_unassigned'] as const) {
      const own = (await api.events(type)).filter(({ clientId }) => clientId === agent.clientId);
      expect(own).toMatchObject([about]);
    }
  });

  test('keeps a default scope that was set apart from its permissions', async () => {
    const role = await aRole(['files:read']);
    const { agent } = await registeredAgent(api.context);
    const { clientId } = agent;
    await updateAgent(api.context, { caller: CALLER, clientId, edits: { defaultScope: ['reports:read'] } });
    const path = at(role, 'agents', clientId);
    expect((await api.send('put', path, { token: admin })).body.default_scope).toEqual(['reports:read']);
    const body = { default_scope: ['reports:read', 'files:read'] };
    const set = await api.send('put', `/api/agents/${clientId}`, { token: admin, body });
    expect(set.body.default_scope).toEqual(['reports:read', 'files:read']);
    // What the role alone held goes with it, from the default scope too.
    expect((await api.send('delete', path, { token: admin })).body.default_scope).toEqual(['reports:read']);
  });

  test('gets no more than twenty of them', async () => {
    const { agent } = await registeredAgent(api.context);
    const statuses: number[] = [];
    for (let i = 0; i < 21; i += 1) {
      const path = at(await aRole([`files:${i}`]), 'agents', agent.clientId);
      statuses.push((await api.send('put', path, { token: admin })).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 200), 409]);
  });

  test('must exist, and so must the role', async () => {
    const role = await aRole(['files:read']);
    const { agent } = await registeredAgent(api.context);
    const put = (...parts: string[]) => api.send('put', at(...parts), { token: admin });
    expect((await put(role, 'agents', 'agt_nobody')).status).toBe(404);
    expect((await put(role, 'users', 'usr_nobody')).status).toBe(404);
    expect((await put('nobody', 'agents', agent.clientId)).status).toBe(404);
    // The credentials of a resource server are no agent.
    const [server] = await api.store.resourceServers.all();
    expect((await put(role, 'agents', server?.clientId ?? '')).status).toBe(404);
  });

  test('loses it with the role', async () => {
    const role = await aRole(['files:read']);
    const { agent } = await registeredAgent(api.context);
    const userId = await aPerson();
    await api.send('put', at(role, 'agents', agent.clientId), { token: admin });
    await api.send('put', at(role, 'users', userId), { token: admin });
    expect((await api.send('delete', at(role), { token: admin })).status).toBe(204);
    expect(await api.store.agents.byId(agent.clientId)).toMatchObject({ roles: [] });
    expect(await api.store.users.byId(userId)).toMatchObject({ roles: [] });
    const deleted = (await api.events('role_deleted')).find(({ details }) => details['role'] === role);
    expect(new Set(deleted?.details['members'] as string[])).toEqual(new Set([agent.clientId, userId]));
  });
});

test('a person with a role may delegate what it holds', async () => {
  const role = await aRole(['files:read']);
  const userId = await aPerson();
  const path = at(role, 'users', userId);
  const given = { permissions: [], roles: [role], effective_permissions: ['files:read'] };
  expect((await api.send('put', path, { token: admin })).body).toMatchObject(given);
  expect((await api.send('get', `/api/admin/users/${userId}`, { token: admin })).body).toMatchObject(given);
  const taken = { roles: [], effective_permissions: [] };
  expect((await api.send('delete', path, { token: admin })).body).toMatchObject(taken);
  expect(await api.events('role_assigned')).toContainEqual(
    expect.objectContaining({ userId, clientId: null, details: { role, permissions: ['files:read'] } }),
  );
});

describe('nobody but an administrator who may write', () => {
  const ROUTES = [
    ['post', at(), { name: 'mine', permissions: ['admin:write'] }],
    ['put', at('role-x'), { permissions: ['admin:write'] }],
    ['delete', at('role-x'), undefined],
    ['put', at('role-x', 'agents', 'SELF'), undefined],
    ['delete', at('role-x', 'agents', 'SELF'), undefined],
    ['put', at('role-x', 'users', 'usr_x'), undefined],
    ['delete', at('role-x', 'users', 'usr_x'), undefined],
  ] as const;

  test.each(ROUTES)('%s %s', async (method, path, body) => {
    const role = await aRole(['admin:write']);
    const { agent } = await registeredAgent(api.context, { permissions: ['reports:read', 'admin:read'] });
    const own = (await openFor(api.context, agent, { scope: ['reports:read'] })).access.value;
    const url = path.replace('role-x', role).replace('SELF', agent.clientId);
    const sent = body === undefined ? {} : { body };
    expect((await api.send(method, url, sent)).status).toBe(401);
    // An agent's own token is for another audience than administration.
    expect((await api.send(method, url, { ...sent, token: own })).status).toBe(401);
    expect((await api.send(method, url, { ...sent, token: reader })).status).toBe(403);
    expect(await api.store.agents.byId(agent.clientId)).toMatchObject({ roles: [] });
  });

  test.each([at(), at('role-1'), at('role-1', 'members')])('reading %s takes admin:read', async (path) => {
    const { agent } = await registeredAgent(api.context);
    const own = (await openFor(api.context, agent)).access.value;
    expect((await api.send('get', path)).status).toBe(401);
    expect((await api.send('get', path, { token: own })).status).toBe(401);
    const writer = await api.adminToken('admin:write');
    expect((await api.send('get', path, { token: writer })).status).toBe(403);
  });
});
