import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkPermissions } from '../../src/app/permissions/check-permissions.ts';
import { builtInPermissions } from '../../src/domain/built-in-catalogue.ts';
import { type ApiClient, createApiClient } from '../support/api-client.ts';

const NOTES = { permission: 'crm:notes:read', description: 'Read the notes on a customer' };

let api: ApiClient;
let admin: string;

beforeAll(async () => {
  api = await createApiClient();
  admin = await api.adminToken();
});
afterAll(() => api.close());

const add = (body: object, token = admin) => api.send('post', '/api/admin/permissions', { token, body });
const remove = (permission: string, token = admin) =>
  api.send('delete', `/api/admin/permissions/${encodeURIComponent(permission)}`, { token });

describe('the list of permissions', () => {
  test.each(['/permissions/list', '/api/permissions'])('is open to anyone at %s', async (path) => {
    const { status, body } = await api.send('get', path);
    expect(status).toBe(200);
    expect(body.wildcard).toBe('*:*:*');
    const stripe = body.services.find(({ service }: { service: string }) => service === 'stripe');
    expect(stripe).toMatchObject({ wildcard: 'stripe:*:*' });
    expect(stripe.resources.at(-1)).toEqual({
      resource: 'invoices',
      wildcard: 'stripe:invoices:*',
      actions: [
        { action: 'read', permission: 'stripe:invoices:read', description: 'Read invoices in Stripe' },
      ],
    });
    expect(body.flat).toContainEqual({ permission: 'read_weather', description: 'Read the weather data' });
    expect(body.permissions).toEqual(
      expect.arrayContaining([...builtInPermissions().keys(), '*:*:*', 'zendesk:*:*', 'zendesk:tickets:*']),
    );
    expect(new Set(body.permissions).size).toBe(body.permissions.length);
    expect(await checkPermissions(api.context, body.permissions)).toEqual([]);
  });

  test('grows by what administrators add, and shrinks by what they take away again', async () => {
    expect((await api.send('get', '/api/admin/permissions', { token: admin })).body).toEqual({
      permissions: [],
      next_cursor: null,
    });
    expect(await checkPermissions(api.context, [NOTES.permission])).toHaveLength(1);
    const added = await add(NOTES);
    expect(added).toMatchObject({ status: 201, body: { ...NOTES, created_at: expect.any(String) } });
    expect((await api.send('get', '/api/admin/permissions', { token: admin })).body.permissions).toEqual([
      added.body,
    ]);
    const { services } = (await api.send('get', '/permissions/list')).body;
    expect(services.at(-1)).toMatchObject({ service: 'crm', resources: [{ resource: 'notes' }] });
    expect(await checkPermissions(api.context, [NOTES.permission, 'crm:*:*', 'crm:notes:*'])).toEqual([]);
    expect((await add(NOTES)).body).toMatchObject({ status: 409, code: 'conflict' });
    expect((await remove(NOTES.permission)).status).toBe(204);
    expect((await remove(NOTES.permission)).status).toBe(404);
    expect(await checkPermissions(api.context, [NOTES.permission])).toHaveLength(1);
    expect(await api.events('permission_added')).toMatchObject([
      { actor: 'taskgrant-admin', details: NOTES },
    ]);
    expect(await api.events('permission_removed')).toMatchObject([{ details: NOTES }]);
  });

  test('holds what is built in for good', async () => {
    expect((await remove('zendesk:tickets:read')).status).toBe(404);
    expect((await remove('example:read')).status).toBe(404);
    expect((await add({ ...NOTES, permission: 'zendesk:tickets:read' })).status).toBe(409);
    expect((await add({ ...NOTES, permission: 'example:read' })).status).toBe(409);
  });
});

describe('a permission that is added', () => {
  test.each([
    ['crm:*:*', 'parameter_invalid'],
    ['*', 'parameter_invalid'],
    ['openid', 'parameter_invalid'],
    ['crm:notes:read crm:notes:write', 'parameter_invalid'],
    [' crm:notes:read', 'parameter_invalid'],
    ['', 'parameter_invalid'],
    ['crm::read', 'permission_invalid'],
    ['constructor:x:y', 'permission_invalid'],
    ['__proto__', 'permission_invalid'],
    ['crm:n*:read', 'permission_invalid'],
    ['crm:nötes:read', 'parameter_invalid'],
    ['crm:notes:re\u0000ad', 'parameter_invalid'],
    ['x'.repeat(129), 'parameter_invalid'],
  ])('is refused as %j', async (permission, code) => {
    const { status, body } = await add({ ...NOTES, permission });
    expect([status, body.code]).toEqual([400, code]);
    expect((await remove(permission === '' ? ' ' : permission)).status).toBe(404);
  });

  test('says what it means', async () => {
    expect((await add({ ...NOTES, description: ' ' })).status).toBe(400);
    expect((await add({ permission: NOTES.permission })).status).toBe(400);
  });

  test('is the business of administrators who may write', async () => {
    const reader = await api.adminToken('admin:read');
    expect((await add(NOTES, reader)).status).toBe(403);
    expect((await remove('x', reader)).status).toBe(403);
    expect((await api.send('post', '/api/admin/permissions', { body: NOTES })).status).toBe(401);
    expect((await api.send('get', '/api/admin/permissions')).status).toBe(401);
    expect((await api.send('get', '/api/admin/permissions', { token: reader })).status).toBe(200);
  });
});
