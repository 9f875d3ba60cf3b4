import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { administer, type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { basic, type Form, postForm } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents, clientCredentials, open, requestToken, TOKEN_PATH } from '../support/token-requests.ts';

const OVERLAP_SECONDS = 3600;
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
let server: TestServer;

beforeAll(async () => {
  const env = { CLIENT_SECRET_OVERLAP: String(OVERLAP_SECONDS), RATE_LIMITS: 'off' };
  // PostgreSQL holds no number of any size.
  server = await startServer({ env, database: 'postgres' });
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

  // RFC 7523 §3, item 4: one "unreasonably far in the future" may be rejected. It would be remembered until then.
  test('takes one that lives for an hour, of a client whose clock is somewhat ahead, too, and none that ends a minute later', async () => {
    const endsIn = async (seconds: number) =>
      (await ask(assertion({ exp: Math.floor(Date.now() / 1000) + seconds }))).status;
    expect([await endsIn(3590), await endsIn(3612), await endsIn(3660)]).toEqual([200, 200, 401]);
  });

  test('takes the issuer as audience', async () => {
    expect((await ask(assertion())).status).toBe(200);
  });

  test.each([
    ['for another server', { aud: 'https://elsewhere.example.com' }],
    ['for another server as well', { aud: ['https://elsewhere.example.com', 'THIS'] }],
    ['for the token endpoint alone', { aud: 'THIS/api/oauth/token' }],
    ['of another client', { iss: 'someone', sub: 'someone' }],
    ['that has expired', { exp: 1_600_000_000 }],
    ['that never expires', { exp: undefined }],
    ['that expires in another century', { exp: 9_999_999_999 }],
    ['that expires when no database can tell', { exp: 1e300 }],
    ['without an id', { jti: undefined }],
  ])('refuses an assertion %s', async (_what, over) => {
    const named = JSON.parse(JSON.stringify(over).replaceAll('THIS', server.issuer)) as object;
    expect(await ask(assertion({ ...over, ...named }))).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
  });

  // Many libraries put the token endpoint there unless they are told not to, as RFC 7523 §3 item 3 once had it.
  test('tells whoever holds the key what is wrong with the assertion, and nobody else', async () => {
    const why = async (jwt: string | Promise<string>) => (await ask(jwt)).body.error_description;
    const misdirected = await assertion({ aud: `${server.issuer}/api/oauth/token` });
    expect(await why(misdirected)).toBe('aud of client_assertion must be the issuer alone');
    expect(await why(assertion({ exp: 9_999_999_999 }))).toBe(
      'exp of client_assertion must be within an hour',
    );
    expect(await why(`${misdirected.slice(0, -8)}AAAAAAAA`)).toBe('client authentication failed');
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
      exp: Math.floor(Date.now() / 1000) + 60,
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
});

describe('[S17] guessing', () => {
  let guarded: TestServer;
  beforeAll(async () => {
    guarded = await startServer();
  });
  afterAll(() => guarded.stop());

  test('a secret is slowed down, and the failures are on record', async () => {
    const agent = await registerAgent(guarded);
    const form = { grant_type: 'client_credentials' };
    const answers = [];
    for (let i = 0; i < 12; i += 1) {
      answers.push(await requestToken(guarded, { headers: basic(agent.clientId, `guess-${i}`) }, form));
    }
    expect(answers[0]).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(answers.at(-1)?.status).toBe(429);
    expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    const events = await auditEvents(guarded, { event_type: 'client_authentication_failed' }, 10);
    expect(events.length).toBeGreaterThanOrEqual(10);
  });

  test('holds up nobody but the client that is guessed at, by assertion neither', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const ask = async (clientId: string) =>
      postForm(guarded, TOKEN_PATH, {
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION,
        client_assertion: await new SignJWT({ iss: clientId, sub: clientId, aud: guarded.issuer })
          .setProtectedHeader({ alg: 'ES256' })
          .sign(privateKey),
      });
    for (let i = 0; i < 11; i += 1) await ask('broken');
    expect((await ask('broken')).status).toBe(429);
    expect((await ask('neighbour')).status).toBe(401);
  });

  // RFC 7519 §4.1.2. Whom an assertion speaks of is read before anything of it has been checked.
  test.each([5, true, {}, [], ['id'], null])(
    'counts an assertion whose sub is %j as a failure',
    async (sub) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const answer = await postForm(guarded, TOKEN_PATH, {
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION,
        client_assertion: `${part({ alg: 'ES256' })}.${part({ sub, aud: guarded.issuer })}.AAAA`,
      });
      expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    },
  );
});
