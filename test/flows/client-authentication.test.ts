import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, getCode, redeemCode } from '../support/code-flow.ts';
import { administer, type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { basic, type Form, postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  auditEvents,
  clientCredentials,
  derive,
  introspect,
  open,
  requestToken,
  TOKEN_EXCHANGE,
  TOKEN_PATH,
  tokenExchange,
} from '../support/token-requests.ts';

const OVERLAP_SECONDS = 3600;
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const LOOPBACK = 'http://127.0.0.1/callback';
let server: TestServer;
let browser: BrowserSession;

beforeAll(async () => {
  server = await startServer({ env: { CLIENT_SECRET_OVERLAP: String(OVERLAP_SECONDS) } });
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

describe('[S35] private_key_jwt', () => {
  let agent: AgentParty;
  let key: CryptoKey;

  beforeAll(async () => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    key = pair.privateKey;
    agent = await registerAgent(server, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'ES256', use: 'sig', kid: 'k1' }] },
    });
  });

  const assertion = (over: Record<string, unknown> = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: agent.clientId,
      sub: agent.clientId,
      aud: server.issuer,
      jti: crypto.randomUUID(),
      iat: now,
      exp: now + 60,
      ...over,
    };
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(key);
  };
  const ask = async (jwt: string | Promise<string>, form: Form = {}) =>
    postForm(server, TOKEN_PATH, {
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION,
      client_assertion: await jwt,
      ...pkce().parameters,
      ...form,
    });

  test('works with an unmodified client, and no secret exists', async () => {
    expect(agent.clientSecret).toBe('');
    const issuer = new URL(server.issuer);
    const http = { [oauth.allowInsecureRequests]: true };
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http));
    const self = { client_id: agent.clientId };
    const auth = oauth.PrivateKeyJwt({ key, kid: 'k1' });
    const asked = new URLSearchParams(pkce().parameters);
    const response = await oauth.clientCredentialsGrantRequest(as, self, auth, asked, http);
    const tokens = await oauth.processClientCredentialsResponse(as, self, response);
    expect(tokens.access_token).toEqual(expect.any(String));
  });

  test('takes the issuer as audience', async () => {
    expect((await ask(assertion())).status).toBe(200);
  });

  test.each([
    ['for another server', { aud: 'https://elsewhere.example.com' }],
    ['of another client', { iss: 'someone', sub: 'someone' }],
    ['that has expired', { exp: 1_600_000_000 }],
    ['that never expires', { exp: undefined }],
    ['without an id', { jti: undefined }],
  ])('refuses an assertion %s', async (_what, over) => {
    expect(await ask(assertion(over))).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('refuses an assertion used twice', async () => {
    const jwt = await assertion();
    expect((await ask(jwt)).status).toBe(200);
    expect(await ask(jwt)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  test('refuses an assertion signed by another key, by the public key as a secret, or by nobody', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = {
      iss: agent.clientId,
      sub: agent.clientId,
      aud: server.issuer,
      jti: 'j',
      exp: 9_999_999_999,
    };
    const forged = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey);
    const confused = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .sign(new TextEncoder().encode('k1-as-a-secret-of-sufficient-length'));
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`;
    for (const jwt of [forged, confused, unsigned]) {
      expect(await ask(jwt)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    }
  });
});

describe('[S17] client secrets', () => {
  test('work as Basic credentials and in the body, but not both at once', async () => {
    const agent = await registerAgent(server, { token_endpoint_auth_method: 'client_secret_post' });
    const inBody = { client_id: agent.clientId, client_secret: agent.clientSecret };
    const form = { grant_type: 'client_credentials', ...pkce().parameters };
    expect((await postForm(server, TOKEN_PATH, { ...form, ...inBody })).status).toBe(200);
    const twice = await postForm(server, TOKEN_PATH, { ...form, ...inBody }, agent.headers);
    expect(twice.status).toBeGreaterThanOrEqual(400);
    expect(twice.status).toBeLessThan(500);
  });

  test('both work for the overlap after a rotation, then only the new one', async () => {
    const agent = await registerAgent(server);
    const path = `/api/agents/${agent.clientId}/rotate-secret`;
    const rotated = await administer(server, 'POST', path, {});
    const renewed = { ...agent, headers: basic(agent.clientId, rotated.client_secret) };
    expect(await open(server, agent)).toBeDefined();
    expect(await open(server, renewed)).toBeDefined();
    server.clock.advance(OVERLAP_SECONDS + 1);
    const late = await clientCredentials(server, agent, pkce().parameters);
    expect(late).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(await open(server, renewed)).toBeDefined();
    const cut = await administer(server, 'POST', path, { immediate: true });
    expect((await clientCredentials(server, renewed, pkce().parameters)).status).toBe(401);
    const last = { ...agent, headers: basic(agent.clientId, cut.client_secret) };
    expect(await open(server, last)).toBeDefined();
  });

  test('guessing one is slowed down, and the failures are on record', async () => {
    const agent = await registerAgent(server);
    const guess = (n: number) =>
      requestToken(
        server,
        { headers: basic(agent.clientId, `guess-${n}`) },
        { grant_type: 'client_credentials' },
      );
    const answers = [];
    for (let i = 0; i < 12; i += 1) answers.push(await guess(i));
    expect(answers[0]).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(answers.at(-1)?.status).toBe(429);
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    const events = await auditEvents(server, { event_type: 'client_authentication_failed' }, 10);
    expect(events.length).toBeGreaterThanOrEqual(10);
  });
});

describe('a public client', () => {
  let agent: AgentParty;
  beforeAll(async () => {
    const made = await registerAgent(server, {
      redirect_uris: [LOOPBACK],
      grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
      token_endpoint_auth_method: 'none',
    });
    agent = { ...made, headers: {} };
  });

  const asSelf = (form: Form = {}) => ({ client_id: agent.clientId, ...form });

  test('[S6] gets a code on a loopback redirect with any port, and redeems it with its verifier', async () => {
    const form = { scope: 'reports:read', redirect_uri: 'http://127.0.0.1:49152/callback' };
    const code = await getCode(server, { agent, browser, form });
    expect(code.back.host).toBe('127.0.0.1:49152');
    const wrong = await redeemCode(server, agent, { ...code, verifier: pkce().verifier }, asSelf());
    expect(wrong.body).toMatchObject({ error: 'invalid_grant' });
    const again = await getCode(server, { agent, browser, form });
    expect((await redeemCode(server, agent, again, asSelf())).status).toBe(200);
  });

  test.each([
    ['another path', 'http://127.0.0.1:49152/elsewhere'],
    ['another host', 'http://localhost:49152/callback'],
    ['another scheme', 'https://127.0.0.1:49152/callback'],
  ])('[S6] is not redirected to %s', async (_what, uri) => {
    const url = authorizationUrl(server, agent, { redirect_uri: uri, ...pkce().parameters });
    const { status, headers } = await send(server, url.href);
    expect({ status, location: headers.get('location') }).toEqual({ status: 400, location: null });
  });

  test('[S15] rotates its refresh token', async () => {
    const code = await getCode(server, {
      agent,
      browser,
      form: { scope: 'reports:read', redirect_uri: LOOPBACK },
    });
    const first = (await redeemCode(server, agent, code, asSelf())).body;
    const refresh = (token: string) =>
      requestToken(server, agent, asSelf({ grant_type: 'refresh_token', refresh_token: token }));
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(first.refresh_token);
  });

  test('[R9] derives from its own task with the verifier of the authorization, and is no delegate', async () => {
    const code = await getCode(server, {
      agent,
      browser,
      form: { scope: 'reports:read', redirect_uri: LOOPBACK },
    });
    const first = (await redeemCode(server, agent, code, asSelf())).body;
    const child = await tokenExchange(
      server,
      agent,
      first.access_token,
      asSelf({ code_verifier: code.verifier }),
    );
    expect(child.status).toBe(200);
    const stolen = await tokenExchange(server, agent, first.access_token, asSelf());
    expect(stolen.body).toMatchObject({ error: 'invalid_grant', task_error: 'verifier_mismatch' });
    const boss = await registerAgent(server);
    const root = await open(server, boss, { delegates: agent.clientId });
    const form = asSelf(pkce().parameters);
    const delegated = await tokenExchange(server, agent, root.token, form);
    expect(delegated.body).toMatchObject({ error: 'invalid_request', task_error: 'actor_not_permitted' });
  });

  test('gets nothing by client_credentials, and cannot be registered for it', async () => {
    const asked = await requestToken(
      server,
      agent,
      asSelf({ grant_type: 'client_credentials', ...pkce().parameters }),
    );
    expect(asked).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
  });

  test('[S18] cannot introspect', async () => {
    const boss = await registerAgent(server);
    const task = await derive(server, await open(server, boss));
    const answer = await postForm(server, '/api/oauth/introspect', asSelf({ token: task.token }));
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect((await introspect(server, boss, task.token)).active).toBe(true);
  });
});
