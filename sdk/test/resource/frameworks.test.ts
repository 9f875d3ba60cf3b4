import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { accessOf, forHono, type Guard } from '@taskgrant/sdk/resource';
import { Hono } from 'hono';
import {
  administer,
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { bearer, send } from '../../../test/support/requests.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { open, requestToken } from '../../../test/support/token-requests.ts';
import { createProofs } from '../../src/agent/dpop.ts';
import { type FrameworkApi, FRAMEWORKS } from './frameworks.ts';
import { guardOf } from './protected-api.ts';

/** One API in every framework: what clients see must be the same. */
let server: TestServer;
let party: ResourceServerParty;
let agent: AgentParty;

beforeAll(async () => {
  server = await startServer();
  party = await registerResourceServer(server, { audiences: ['https://reports.example.com/v1'] });
  agent = await registerAgent(server);
});
afterAll(() => server.stop());

const METADATA = '/.well-known/oauth-protected-resource/v1';
const METADATA_URL = `https://reports.example.com${METADATA}`;

describe.each(Object.keys(FRAMEWORKS))('an API with %s', (name) => {
  let guard: Guard;
  let api: FrameworkApi;
  const get = (path: string, headers = {}, method = 'GET') =>
    send({ issuer: api.address }, path, { method, headers });

  beforeAll(async () => {
    guard = guardOf(server, party, { scopes: ['reports:read', 'reports:write'] });
    api = await FRAMEWORKS[name]!(guard, guard.requiring({ scope: 'reports:read reports:write' }));
    await guard.ready();
  });
  afterAll(async () => {
    guard.close();
    await api.stop();
  });

  test('publishes where to get tokens (S27)', async () => {
    const { status, headers, body } = await get(METADATA);
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect(body).toEqual({
      resource: 'https://reports.example.com/v1',
      authorization_servers: [server.issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['reports:read', 'reports:write'],
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'RS256'],
    });
    expect([(await get(METADATA, {}, 'POST')).status, (await get(METADATA, {}, 'OPTIONS')).status]).toEqual([
      405, 204,
    ]);
  });

  test('tells a stranger where that is, and what to ask for (S28)', async () => {
    const { status, headers, body } = await get('/reports');
    expect(status).toBe(401);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(headers.get('www-authenticate')).toBe(
      `Bearer scope="reports:read", resource_metadata="${METADATA_URL}", ` +
        `DPoP scope="reports:read", resource_metadata="${METADATA_URL}", algs="ES256 EdDSA Ed25519 RS256"`,
    );
    expect(body).toMatchObject({ status: 401, code: 'token_required' });
  });

  test('lets a token in and tells the handler whose it is', async () => {
    const task = await open(server, agent, { scope: 'reports:read', resource: party.audience });
    const { status, body } = await get('/reports?year=2026', bearer(task.token));
    expect([status, body]).toEqual([
      200,
      { clientId: agent.clientId, task: task.taskId, scope: ['reports:read'] },
    ]);
  });

  test('names every scope that is missing for one route (S28)', async () => {
    const { token } = await open(server, agent, { scope: 'reports:read', resource: party.audience });
    const refused = await get('/written', bearer(token));
    expect([refused.status, refused.body.code, refused.body.scope]).toEqual([
      403,
      'insufficient_scope',
      'reports:read reports:write',
    ]);
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", error_description="this request needs the scope reports:read reports:write", ' +
        `scope="reports:read reports:write", resource_metadata="${METADATA_URL}"`,
    );
    const both = { scope: 'reports:read reports:write', resource: party.audience };
    expect((await get('/written', bearer((await open(server, agent, both)).token))).status).toBe(200);
  });

  test('takes one proof for one request, also where two guards see it, and not for another one', async () => {
    const proofs = createProofs(undefined, Date.now);
    const prove = (method: string, url: string, token?: string) => proofs.prove({ method, url, token });
    const headers = { ...agent.headers, dpop: await prove('POST', `${server.issuer}/api/oauth/token`) };
    const asked = { scope: 'reports:read reports:write', resource: party.audience };
    const { body } = await requestToken(server, { headers }, { grant_type: 'client_credentials', ...asked });
    const token = body.access_token as string;
    const dpop = await prove('GET', 'https://reports.example.com/written', token);
    const bound = { authorization: `DPoP ${token}`, dpop };
    expect((await get('/written', bound)).status).toBe(200);
    expect((await get('/written', bound)).body.detail).toMatch('used before');
  });

  test('refuses a token for another API, and one whose task is over', async () => {
    const elsewhere = await open(server, agent, {});
    const refused = await get('/reports', bearer(elsewhere.token));
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_token']);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const over = await open(server, agent, { scope: 'reports:read', resource: party.audience });
    expect((await get('/reports', bearer(over.token))).status).toBe(200);
    await administer(server, 'POST', `/api/tasks/${over.taskId}/revoke`, {});
    for (
      let tries = 0;
      tries < 50 && (await get('/reports', bearer(over.token))).status === 200;
      tries += 1
    ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect((await get('/reports', bearer(over.token))).status).toBe(401);
  });
});

test('a handler without a guard in front does not run', () => {
  expect(() => accessOf({})).toThrow('no guard has accepted this request');
});

test('Hono sends the next nonce with whatever a handler answers', async () => {
  const headers = { 'dpop-nonce': 'next' };
  const accepting = { handle: async () => ({ accepted: true, access: {}, headers }) } as unknown as Guard;
  const app = new Hono();
  app.use(forHono(accepting));
  app.get('/own', (c) => c.text('mine'));
  app.get('/passed-on', () => Response.redirect('https://elsewhere.example.com/'));
  app.get('/failed', () => {
    throw new Error('no');
  });
  app.onError((_error, c) => c.text('sorry', 500));
  const answers = await Promise.all(['/own', '/passed-on', '/failed'].map(async (path) => app.request(path)));
  expect(answers.map((answer) => answer.headers.get('dpop-nonce'))).toEqual(['next', 'next', 'next']);
});
