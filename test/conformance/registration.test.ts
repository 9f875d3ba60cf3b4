import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CALLBACK } from '../support/code-flow.ts';
import { administer, adminToken, pkce, registerAgent } from '../support/parties.ts';
import { basic, bearer, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents, clientCredentials, open } from '../support/token-requests.ts';

const REGISTER = '/api/oauth/register';
const A_KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const register = (metadata: Record<string, unknown>, headers: Record<string, string> = {}) =>
  postJson(server, REGISTER, metadata, headers);

describe('registering a client (RFC 7591)', () => {
  test('[S22] is answered with what was registered, and without nulls', async () => {
    const { status, headers, body } = await register({ client_name: 'App', redirect_uris: [CALLBACK] });
    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      client_id: expect.stringMatching(/^cli_/),
      client_secret: expect.any(String),
      client_secret_expires_at: 0,
      client_id_issued_at: expect.any(Number),
      redirect_uris: [CALLBACK],
    });
    expect(Object.values(body)).not.toContain(null);
  });

  test('[R13] grants what is left of the asked scope within the default permissions', async () => {
    const { body } = await register({
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
      scope: 'reports:read reports:write admin:write openid offline_access',
    });
    expect(body.scope).toBe('reports:read');
    const agent = {
      clientId: body.client_id,
      clientSecret: body.client_secret,
      headers: basic(body.client_id, body.client_secret),
    };
    const wide = await clientCredentials(server, agent, { scope: 'reports:write', ...pkce().parameters });
    expect(wide.body).toMatchObject({ error: 'invalid_scope' });
    expect((await clientCredentials(server, agent, pkce().parameters)).body.scope).toBe('reports:read');
  });

  // MCP Inspector sends an empty one. RFC 6749 §3.3: a scope names something; RFC 7592 §2.2: null is as good as omitted.
  test.each(['', null])('[R13] takes the scope %j for none that is asked for', async (scope) => {
    const { status, body } = await register({ redirect_uris: [CALLBACK], scope });
    expect({ status, scope: body.scope }).toEqual({ status: 201, scope: 'example:read reports:read' });
  });

  test('[R13] with an admin:write token grants what was asked', async () => {
    const headers = bearer(await adminToken(server));
    const { status, body } = await register({ redirect_uris: [CALLBACK], scope: 'reports:write' }, headers);
    expect({ status, scope: body.scope }).toEqual({ status: 201, scope: 'reports:write' });
    const forged = await register({ redirect_uris: [CALLBACK] }, bearer('forged'));
    expect(forged.status).toBe(401);
  });

  test('[R13] refuses a token without that right, and records whose it was', async () => {
    const agent = await registerAgent(server);
    const { token } = await open(server, agent);
    expect((await register({ redirect_uris: [CALLBACK] }, bearer(token))).status).toBe(401);
    const refused = { client_id: agent.clientId, event_type: 'request_refused' };
    expect((await auditEvents(server, refused))[0]).toMatchObject({
      actor: agent.clientId,
      reason: 'invalid_token: the token does not allow registration',
    });
  });

  test.each([
    [
      'a public client with client_credentials',
      { token_endpoint_auth_method: 'none', grant_types: ['client_credentials'] },
    ],
    ['a public client that could only use it', { token_endpoint_auth_method: 'none', redirect_uris: [] }],
    ['plain http', { redirect_uris: ['http://client.example.com/callback'] }],
    ['a fragment', { redirect_uris: [`${CALLBACK}#here`] }],
    ['a scheme that browsers run', { redirect_uris: ['javascript:alert(1)'] }],
    ['a relative redirect', { redirect_uris: ['/callback'] }],
    ['redirects of the wrong type', { redirect_uris: CALLBACK }],
    ['keys to be fetched', { jwks_uri: 'https://169.254.169.254/latest' }],
    ['more keys than a client needs', { jwks: { keys: Array.from({ length: 11 }, () => A_KEY) } }],
    ['the password grant', { grant_types: ['password'] }],
    ['the implicit grant', { grant_types: ['implicit'], response_types: ['token'] }],
    ['an unknown way to authenticate', { token_endpoint_auth_method: 'tls_client_auth' }],
    ['a name that reads backwards', { client_name: 'Editor \u202egnp' }],
    ['a name with a line break', { client_name: 'Editor\n(checked by the administrator)' }],
    ['a name that fills the page', { client_name: 'Editor '.repeat(20) }],
    ['a scope of the wrong type', { scope: ['reports:read'] }],
    ['a scope outside its grammar', { scope: 'reports:read \u0000' }],
  ])('refuses %s', async (_what, metadata) => {
    const { status, body } = await register({ redirect_uris: [CALLBACK], ...metadata });
    expect(status).toBe(400);
    expect(body.error).toMatch(/^invalid_(client_metadata|redirect_uri)$/);
  });

  test.each([
    ['a custom scheme', { redirect_uris: ['cursor://anysphere.cursor-retrieval/oauth/callback'] }],
    [
      'a custom scheme of a client that says web',
      { application_type: 'web', redirect_uris: ['cursor://x/callback'] },
    ],
    ['loopback and https together', { redirect_uris: ['https://vscode.dev/redirect', 'http://127.0.0.1/'] }],
    [
      'empty texts for what it does not have',
      { client_uri: '', logo_uri: '', tos_uri: '', redirect_uris: [CALLBACK] },
    ],
    [
      'a native app without a secret',
      { token_endpoint_auth_method: 'none', redirect_uris: ['http://localhost/callback'] },
    ],
  ])('takes %s, as real clients send it', async (_what, metadata) => {
    expect((await register(metadata)).status).toBe(201);
  });

  test('cannot choose its own id or secret', async () => {
    const { body } = await register({ client_id: 'mine', client_secret: 'mine', redirect_uris: [CALLBACK] });
    expect(body.client_id).not.toBe('mine');
    expect(body.client_secret).not.toBe('mine');
  });
});

describe('[S38] managing a registered client (RFC 7592)', () => {
  test('it reads, changes and deletes itself with its registration token', async () => {
    const { body: made } = await register({ client_name: 'Before', redirect_uris: [CALLBACK] });
    const path = new URL(made.registration_client_uri).pathname;
    const auth = bearer(made.registration_access_token);
    const read = await send(server, path, { headers: auth });
    expect(read.body).toMatchObject({ client_id: made.client_id, client_name: 'Before' });
    expect(read.body).not.toHaveProperty('client_secret');

    const update = { client_id: made.client_id, client_name: 'After', redirect_uris: [CALLBACK] };
    const put = (body: object) =>
      send(server, path, {
        method: 'PUT',
        headers: { ...auth, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await put(update)).body).toMatchObject({ client_name: 'After' });
    expect((await put({ ...update, client_secret: 'guess' })).status).toBe(400);
    expect((await put({ ...update, client_id: 'other' })).status).toBe(400);

    expect((await send(server, path, { headers: bearer('guess') })).status).toBe(401);
    expect((await send(server, path, { method: 'DELETE', headers: auth })).status).toBe(204);
    expect((await send(server, path, { headers: auth })).status).toBe(401);
  });

  test('nobody learns without its registration token whether a secret is the right one', async () => {
    const { body: made } = await register({ redirect_uris: [CALLBACK] });
    const path = new URL(made.registration_client_uri).pathname;
    const put = async (secret: string, headers: Record<string, string> = {}) => {
      const update = { client_id: made.client_id, client_secret: secret, redirect_uris: [CALLBACK] };
      const { status, body } = await send(server, path, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(update),
      });
      return { status, error: body.error, why: body.error_description };
    };
    const [right, wrong] = [await put(made.client_secret), await put('guess')];
    expect(right).toMatchObject({ status: 401, error: 'invalid_token' });
    expect(wrong).toEqual(right);
    const own = bearer(made.registration_access_token);
    expect(await put('guess', own)).toMatchObject({ status: 400, error: 'invalid_request' });
    expect((await put(made.client_secret, own)).status).toBe(200);
  });

  test('it is told a secret when it comes to authenticate with one, and is told no other', async () => {
    const without = { token_endpoint_auth_method: 'none', redirect_uris: [CALLBACK] };
    const { body: made } = await register(without);
    const path = new URL(made.registration_client_uri).pathname;
    const headers = { ...bearer(made.registration_access_token), 'content-type': 'application/json' };
    const put = async (over: object) => {
      const body = JSON.stringify({ client_id: made.client_id, ...without, ...over });
      return (await send(server, path, { method: 'PUT', headers, body })).body;
    };
    const withSecret = {
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'client_credentials'],
    };
    const works = async (secret: string) => {
      const agent = {
        clientId: made.client_id,
        clientSecret: secret,
        headers: basic(made.client_id, secret),
      };
      return (await clientCredentials(server, agent, pkce().parameters)).status === 200;
    };
    const { client_secret: first } = await put(withSecret);
    expect(await works(first)).toBe(true);
    expect(await put(withSecret)).not.toHaveProperty('client_secret');
    expect(await put({})).not.toHaveProperty('client_secret');
    const { client_secret: second } = await put(withSecret);
    expect([await works(first), await works(second)]).toEqual([false, true]);
  });

  test('[R11] one that is suspended changes nothing, and gets no secret, until it is reactivated', async () => {
    const without = { token_endpoint_auth_method: 'none', redirect_uris: [CALLBACK] };
    const { body: made } = await register(without);
    const path = new URL(made.registration_client_uri).pathname;
    const headers = { ...bearer(made.registration_access_token), 'content-type': 'application/json' };
    const update = {
      client_id: made.client_id,
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: ['https://elsewhere.example.com/callback'],
    };
    const put = () => send(server, path, { method: 'PUT', headers, body: JSON.stringify(update) });
    await administer(server, 'POST', `/api/agents/${made.client_id}/suspend`, { reason: 'odd behaviour' });
    const refused = await put();
    expect(refused).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    expect(refused.body).not.toHaveProperty('client_secret');
    await administer(server, 'POST', `/api/agents/${made.client_id}/reactivate`);
    const read = await send(server, path, { headers });
    expect(read.body).toMatchObject({ redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' });
    expect((await put()).status).toBe(200);
  });

  test('changing never widens its rights', async () => {
    const { body: made } = await register({ redirect_uris: [], grant_types: ['client_credentials'] });
    const path = new URL(made.registration_client_uri).pathname;
    await send(server, path, {
      method: 'PUT',
      headers: { ...bearer(made.registration_access_token), 'content-type': 'application/json' },
      body: JSON.stringify({
        client_id: made.client_id,
        redirect_uris: [],
        grant_types: ['client_credentials'],
        scope: 'admin:write',
      }),
    });
    const agent = {
      clientId: made.client_id,
      clientSecret: made.client_secret,
      headers: basic(made.client_id, made.client_secret),
    };
    const asked = await clientCredentials(server, agent, { scope: 'admin:write', ...pkce().parameters });
    expect(asked.body).toMatchObject({ error: 'invalid_scope' });
  });
});

describe('[R13] a server whose registration is not open', () => {
  test.each([
    ['token', 401],
    ['closed', 403],
  ])('answers strangers %s with %i', async (mode, expected) => {
    const strict = await startServer({ env: { REGISTRATION: mode } });
    const { status } = await postJson(strict, REGISTER, { redirect_uris: [CALLBACK] });
    expect(status).toBe(expected);
    const headers = bearer(await adminToken(strict));
    const admin = await postJson(strict, REGISTER, { redirect_uris: [CALLBACK] }, headers);
    expect(admin.status).toBe(mode === 'token' ? 201 : 403);
    await strict.stop();
  });
});
