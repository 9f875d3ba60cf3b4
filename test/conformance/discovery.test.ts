import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bearer, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { open } from '../support/token-requests.ts';
import { registerAgent } from '../support/parties.ts';
import { expectGolden } from './golden.ts';

const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

describe('metadata', () => {
  test.each([OAUTH, OPENID])('[S1] [S2] [S3] is served at %s', async (path) => {
    const { status, headers, body } = await send(server, path);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/json');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(body).toMatchObject({
      issuer: server.issuer,
      authorization_endpoint: `${server.issuer}/api/oauth/authorize`,
      token_endpoint: `${server.issuer}/api/oauth/token`,
      jwks_uri: `${server.issuer}/api/oauth/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
    });
  });

  test('[S9] announces neither implicit nor password, and no secret-based assertion', async () => {
    const { body } = await send(server, OAUTH);
    expect(body.grant_types_supported).not.toContain('implicit');
    expect(body.grant_types_supported).not.toContain('password');
    expect(body.token_endpoint_auth_methods_supported).not.toContain('client_secret_jwt');
  });

  test('[R18] announces our extension of client_credentials and the task parameters', async () => {
    const { body } = await send(server, OAUTH);
    expect(body.client_credentials_code_challenge_required).toBe(true);
    expect(body.task_parameters_supported).toEqual(
      expect.arrayContaining(['task_id', 'task_description', 'parent_token', 'delegate_to', 'delegates']),
    );
  });

  test('every announced endpoint exists under the issuer', async () => {
    const { body } = await send(server, OPENID);
    const endpoints = Object.entries(body).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(endpoints.length).toBeGreaterThan(7);
    for (const [name, url] of endpoints) {
      expect({ name, ours: String(url).startsWith(`${server.issuer}/`) }).toEqual({ name, ours: true });
      const { status } = await send(server, new URL(String(url)).pathname, { method: 'GET' });
      expect({ name, status }).not.toEqual({ name, status: 404 });
    }
  });

  test('is the same from one release to the next, unless that is meant', async () => {
    for (const [path, name] of [
      [OAUTH, 'oauth-authorization-server'],
      [OPENID, 'openid-configuration'],
    ] as const) {
      const { body } = await send(server, path);
      expectGolden(
        name,
        JSON.parse(JSON.stringify(body).replaceAll(server.issuer, 'https://issuer.example')),
      );
    }
  });

  test('[S1] the example API says where its tokens come from (RFC 9728)', async () => {
    for (const path of ['', '/api/oauth/protected']) {
      const { body } = await send(server, `/.well-known/oauth-protected-resource${path}`);
      expect(body).toMatchObject({
        resource: server.defaultAudience,
        authorization_servers: [server.issuer],
      });
    }
  });
});

describe('discovery that misses', () => {
  test.each([
    `${OAUTH}/elsewhere`,
    `${OPENID}/a/b/c`,
    '/elsewhere/.well-known/openid-configuration',
    '/.well-known/',
    '/.well-known/webfinger',
    '/.WELL-KNOWN/openid-configuration',
  ])('[S4] is a 4xx at %s', async (path) => {
    const { status } = await send(server, path);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  test('[S4] so is a wrong method', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const { status } = await send(server, OAUTH, { method });
      expect({ method, status }).toEqual({ method, status: 405 });
    }
  });
});

describe('an issuer with a path', () => {
  let nested: TestServer;
  beforeAll(async () => {
    nested = await startServer({ env: { ISSUER: 'https://auth.example.com/tenant' } });
  });
  afterAll(() => nested.stop());

  test('[S1] [S2] is found where RFC 8414 §3.1 inserts and where OpenID appends', async () => {
    const address = nested.address;
    for (const path of [`${OAUTH}/tenant`, `${OPENID}/tenant`, `/tenant${OPENID}`]) {
      const { status, body } = await send({ issuer: address }, path);
      expect({ path, status, issuer: body.issuer }).toEqual({
        path,
        status: 200,
        issuer: 'https://auth.example.com/tenant',
      });
    }
  });

  test('describes the server at the root of the host, where its paths are', async () => {
    const { body: metadata } = await send({ issuer: nested.address }, `${OAUTH}/tenant`);
    expect(metadata.service_documentation).toBe('https://auth.example.com/docs');
    const { body: described } = await send({ issuer: nested.address }, '/openapi.json');
    expect(described.servers).toEqual([{ url: 'https://auth.example.com' }]);
    const { clientCredentials } = described.components.securitySchemes.administration.flows;
    expect(clientCredentials.tokenUrl).toBe(metadata.token_endpoint);
  });
});

describe('the issuer', () => {
  test('[S2] is the same in metadata, tokens and introspection, whatever Host says', async () => {
    const task = await open(server, await registerAgent(server));
    const claims = JSON.parse(Buffer.from(task.token.split('.')[1] ?? '', 'base64url').toString());
    expect(claims.iss).toBe(server.issuer);
    expect(server.issuer.endsWith('/')).toBe(false);
    const headers = {
      ...bearer(task.token),
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
    };
    const { body } = await send(server, OPENID, { headers });
    expect(body.issuer).toBe(server.issuer);
    expect(JSON.stringify(body)).not.toContain('evil.example');
  });
});
