import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestHttpApp, type TestHttpApp } from '../support/http-app.ts';

let app: TestHttpApp;
beforeAll(async () => {
  app = await createTestHttpApp();
});
afterAll(() => app.close());

test('the description names every declared path and method', async () => {
  const { body, status } = await app.send('get', '/openapi.json');
  expect([status, body.openapi]).toEqual([200, '3.1.0']);
  for (const { contract } of app.routes) {
    for (const path of [contract.path, ...contract.aliases]) {
      expect(body.paths[path.replace(/:(\w+)/g, '{$1}')]).toHaveProperty(contract.method);
    }
  }
});

test('operation ids are unique', async () => {
  const { body } = await app.send('get', '/openapi.json');
  const ids = Object.values<Record<string, { operationId: string }>>(body.paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test('an operation carries its parameters, body, answer and the scope it needs', async () => {
  const { body } = await app.send('get', '/openapi.json');
  const revoke = body.paths['/api/admin/tokens/{token_id}/revoke'].post;
  expect(revoke.security).toEqual([{ administration: ['admin:write'] }]);
  expect(revoke.parameters).toEqual([
    expect.objectContaining({ name: 'token_id', in: 'path', required: true }),
  ]);
  expect(revoke.requestBody.content['application/json'].schema).toMatchObject({
    additionalProperties: false,
  });
  expect(revoke.responses['200'].content['application/json'].schema.properties).toHaveProperty('revoked');
  const list = body.paths['/api/admin/audit/logs'].get;
  expect(list.parameters.map(({ name }: { name: string }) => name)).toContain('event_type');
});
