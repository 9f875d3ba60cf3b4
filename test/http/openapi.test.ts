import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openapiRoute } from '../../src/http/openapi/document.ts';
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

test('every refusal is described by its status, with problem details', async () => {
  const { body } = await app.send('get', '/openapi.json');
  const register = body.paths['/api/tasks/{taskId}/revoke'].post.responses;
  expect(Object.keys(register)).toEqual([
    '200',
    '400',
    '401',
    '403',
    '404',
    '409',
    '413',
    '415',
    '429',
    '500',
    '503',
  ]);
  expect(register['429']).toEqual({ $ref: '#/components/responses/Problem429' });
  const { Problem404, Problem429 } = body.components.responses;
  expect(Problem429.headers['Retry-After']).toEqual({ $ref: '#/components/headers/Retry-After' });
  expect(Problem404.content).toEqual({
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  });
});

test('every reference leads somewhere, and every schema is one of JSON Schema', async () => {
  const { body } = await app.send('get', '/openapi.json');
  const references = [...JSON.stringify(body).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  expect(references.length).toBeGreaterThan(100);
  for (const path of new Set(references)) {
    expect([path, path.split('/').reduce((at, name) => at?.[name], body)]).toEqual([path, expect.anything()]);
  }
  const ajv = new Ajv2020({ strict: false });
  for (const schema of Object.values<object>(body.components.schemas)) {
    expect(ajv.validateSchema(schema)).toBe(true);
  }
});

test('everybody gets the same bytes, so that clients who do not read them take no memory', async () => {
  const api = { contracts: [], others: () => [], issuer: 'https://auth.example.com', version: '0.0.0' };
  const { handle } = openapiRoute(api);
  const [first, second] = [handle({} as never), handle({} as never)];
  expect(Buffer.isBuffer(first)).toBe(true);
  expect(second).toBe(first);
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

test('an operation names the header fields that it reads', async () => {
  const { body } = await app.send('get', '/openapi.json');
  const fields = (path: string) =>
    body.paths[path].get.parameters
      .filter(({ in: place }: { in: string }) => place === 'header')
      .map(({ name, required }: { name: string; required: boolean }) => [name, required]);
  expect(fields('/api/oauth/protected')).toEqual([
    ['X-Task-ID', true],
    ['X-Parent-Task-ID', false],
    ['X-Parent-Token-ID', false],
  ]);
});
