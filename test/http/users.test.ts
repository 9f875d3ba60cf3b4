import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiClient, createApiClient } from '../support/api-client.ts';

const PERSON = {
  email: 'Ada@Example.com',
  name: 'Ada Lovelace',
  password: 'a long enough password',
  permissions: ['reports:read'],
};

let api: ApiClient;
let admin: string;

beforeAll(async () => {
  api = await createApiClient();
  admin = await api.adminToken();
});
afterAll(() => api.close());

describe('people', () => {
  test('are created, shown, listed and changed by administrators', async () => {
    const created = await api.send('post', '/api/admin/users', { token: admin, body: PERSON });
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      user_id: expect.stringMatching(/^usr_/),
      email: 'ada@example.com',
      name: 'Ada Lovelace',
      state: 'active',
      permissions: ['reports:read'],
      roles: [],
      effective_permissions: ['reports:read'],
      created_at: expect.any(String),
    });
    const at = `/api/admin/users/${created.body.user_id}`;
    const token = await api.adminToken('admin:read');
    expect((await api.send('get', at, { token })).body).toEqual(created.body);
    expect((await api.send('get', '/api/admin/users', { token })).body.users).toContainEqual(created.body);
    const body = { name: 'Countess of Lovelace', permissions: [] };
    expect((await api.send('put', at, { token: admin, body })).body).toEqual({
      ...created.body,
      ...body,
      effective_permissions: [],
    });
    expect((await api.send('post', '/api/admin/users', { token: admin, body: PERSON })).status).toBe(409);
  });

  test('are disabled, enabled and signed out', async () => {
    const body = { ...PERSON, email: 'grace@example.com' };
    const { user_id } = (await api.send('post', '/api/admin/users', { token: admin, body })).body;
    const change = (what: string) =>
      api.send('post', `/api/admin/users/${user_id}/${what}`, { token: admin, body: { reason: 'on leave' } });
    expect((await change('disable')).body.state).toBe('disabled');
    expect((await change('disable')).status).toBe(409);
    expect((await change('enable')).body.state).toBe('active');
    expect((await change('sign-out')).body.state).toBe('active');
    expect(await api.store.users.byId(user_id)).toMatchObject({ epoch: 2 });
    for (const type of ['user_disabled', 'user_enabled', 'user_signed_out'] as const) {
      expect(await api.events(type)).toMatchObject([
        { userId: user_id, reason: 'on leave', actor: 'taskgrant-admin' },
      ]);
    }
  });

  test.each([
    [{ email: 'nobody' }, 'an address that is none'],
    [{ password: 'short' }, 'a short password'],
    [{ permissions: ['a b"'] }, 'a right outside the grammar'],
    [{ name: '' }, 'no name'],
    [{ is_admin: true }, 'a member that is not known'],
  ])('are refused with %j: %s', async (over: object, _why: string) => {
    const body = { ...PERSON, email: 'new@example.com', ...over };
    const answer = await api.send('post', '/api/admin/users', { token: admin, body });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).not.toContain(PERSON.password);
  });

  test.each([
    ['get', '', undefined],
    ['post', '', PERSON],
    ['get', '/usr_x', undefined],
    ['put', '/usr_x', { name: 'Eve' }],
    ['post', '/usr_x/disable', {}],
    ['post', '/usr_x/enable', {}],
    ['post', '/usr_x/sign-out', {}],
  ] as const)('%s /api/admin/users%s needs an administrator', async (method, path, body) => {
    const sent = body === undefined ? {} : { body };
    expect((await api.send(method, `/api/admin/users${path}`, sent)).status).toBe(401);
    if (method === 'get') return;
    const token = await api.adminToken('admin:read');
    expect((await api.send(method, `/api/admin/users${path}`, { ...sent, token })).status).toBe(403);
  });

  test('that do not exist are not found', async () => {
    expect((await api.send('get', '/api/admin/users/usr_nobody', { token: admin })).status).toBe(404);
  });
});
