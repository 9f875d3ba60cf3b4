import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN_AUDIENCE } from '../support/app-context.ts';
import { type ApiClient, createApiClient } from '../support/api-client.ts';

const PATH = '/api/admin/resource-servers';
const SERVER = { name: 'Payments API', audiences: ['https://pay.example.com'], scopes: ['payments:read'] };

let api: ApiClient;
let admin: string;

beforeAll(async () => {
  api = await createApiClient();
  admin = await api.adminToken();
});
afterAll(() => api.close());

describe('resource servers', () => {
  test('are registered, shown, changed and deleted by administrators', async () => {
    const created = await api.send('post', PATH, { token: admin, body: SERVER });
    expect(created.status).toBe(201);
    const { resource_server: server, credentials } = created.body;
    expect(server).toMatchObject({ ...SERVER, token_format: 'jwt' });
    expect(credentials).toEqual({
      client_id: server.client_id,
      client_secret: expect.stringMatching(/^tgs_/),
    });
    const at = `${PATH}/${server.client_id}`;
    const token = await api.adminToken('admin:read');
    expect((await api.send('get', at, { token })).body).toEqual(server);
    const listed = (await api.send('get', PATH, { token })).body.resource_servers;
    expect(listed.map((row: { client_id: string }) => row.client_id)).toEqual(
      expect.arrayContaining(['taskgrant-api', 'rs_example', server.client_id]),
    );
    const body = { scopes: null, token_format: 'opaque' };
    expect((await api.send('put', at, { token: admin, body })).body).toEqual({ ...server, ...body });
    const rotated = await api.send('post', `${at}/rotate-secret`, {
      token: admin,
      body: { immediate: true },
    });
    expect(rotated.body.client_secret).not.toBe(credentials.client_secret);
    expect((await api.send('delete', `${at}?reason=retired`, { token: admin })).status).toBe(204);
    expect((await api.send('get', at, { token })).status).toBe(404);
  });

  test('never own the administration API', async () => {
    const body = { ...SERVER, audiences: [ADMIN_AUDIENCE] };
    expect((await api.send('post', PATH, { token: admin, body })).status).toBe(409);
    const own = `${PATH}/taskgrant-api`;
    expect((await api.send('delete', own, { token: admin })).status).toBe(409);
    expect((await api.send('put', own, { token: admin, body: { scopes: null } })).status).toBe(409);
  });

  test.each([
    ['get', ''],
    ['post', ''],
    ['get', '/rs_example'],
    ['put', '/rs_example'],
    ['delete', '/rs_example'],
    ['post', '/rs_example/rotate-secret'],
  ] as const)('%s /api/admin/resource-servers%s needs an administrator', async (method, path) => {
    expect((await api.send(method, `${PATH}${path}`)).status).toBe(401);
    if (method === 'get') return;
    const token = await api.adminToken('admin:read');
    expect((await api.send(method, `${PATH}${path}`, { token })).status).toBe(403);
  });
});
