import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type AgentOptions, createAgent, type TaskgrantError } from '@taskgrant/sdk/agent';
import { exportJWK, generateKeyPair } from 'jose';
import { administer, type AgentParty, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { skippingClock, watch } from '../support/network.ts';

/** Who the agent is, to the server: secrets, keys, proofs, and a server that is not who it should be. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

async function keyed(alg: 'ES256' | 'EdDSA' | 'RS256' | 'PS256') {
  const pair = await generateKeyPair(alg, { extractable: true });
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(pair.publicKey), exportJWK(pair.privateKey)]);
  const party = await registerAgent(server, {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...publicJwk, alg, use: 'sig', kid: 'k1' }] },
  });
  return { party, pair, privateJwk: { ...privateJwk, alg, kid: 'k1' } };
}

function agent(options: Omit<AgentOptions, 'issuer'>) {
  return createAgent({ issuer: server.issuer, ...options });
}

describe('a private key instead of a secret', () => {
  test.each(['ES256', 'EdDSA', 'RS256', 'PS256'] as const)('%s, as a CryptoKey and as a JWK', async (alg) => {
    const { party, pair, privateJwk } = await keyed(alg);
    const { clientId } = party;
    const withKey = agent({ clientId, privateKey: pair.privateKey, keyId: 'k1' });
    const withJwk = agent({ clientId, privateKey: privateJwk });
    for (const one of [withKey, withJwk]) {
      const task = await one.task();
      await task.renew();
      expect(await one.token.introspect({ token: await task.accessToken() })).toMatchObject({ active: true });
      expect(await task.complete()).toMatchObject({ state: 'completed' });
    }
  });

  test('signs each attempt anew: assertions work once', async () => {
    const { party, privateJwk } = await keyed('ES256');
    const network = watch((_request, count) => (count === 2 ? 'lose answer' : 'pass'));
    const options = {
      clientId: party.clientId,
      privateKey: privateJwk,
      fetch: network.fetch,
      clock: skippingClock(),
    };
    await agent(options).task();
    const assertions = network.requests.flatMap(({ form }) => form.getAll('client_assertion'));
    expect(assertions.length).toBeGreaterThan(1);
    expect(new Set(assertions).size).toBe(assertions.length);
  });

  test('that is public, or of a kind that is not meant, is refused without being quoted', async () => {
    const { pair, party } = await keyed('ES256');
    const p384 = await exportJWK((await generateKeyPair('ES384', { extractable: true })).privateKey);
    for (const privateKey of [
      pair.publicKey,
      await exportJWK(pair.publicKey),
      p384,
      { kty: 'oct', k: 'hush' },
    ]) {
      const asked = agent({ clientId: party.clientId, privateKey }).task();
      const error = (await asked.catch((thrown: unknown) => thrown)) as TaskgrantError;
      expect(error).toMatchObject({ code: 'option_invalid' });
      expect(`${error.message} ${String(error.cause)}`).not.toContain('hush');
    }
  });
});

describe('a bound key (DPoP)', () => {
  let party: AgentParty;
  let helper: AgentParty;
  beforeAll(async () => {
    [party, helper] = await Promise.all([registerAgent(server), registerAgent(server)]);
  });
  const bound = (over: object = {}) =>
    agent({ clientId: party.clientId, clientSecret: party.clientSecret, dpop: true, ...over });

  test('goes through a whole life of a task: open, call, renew, derive, hand off, complete', async () => {
    const task = await bound().task({ delegates: [helper.clientId] });
    expect(task.answer).toMatchObject({
      token_type: 'DPoP',
      task: { key_bound: true, verifier_bound: true },
    });
    expect((await task.fetch(`${server.issuer}/api/oauth/protected`)).status).toBe(200);
    await task.renew();
    const child = await task.child({ description: 'below' });
    expect(await child.complete()).toMatchObject({ state: 'completed' });
    const other = agent({ clientId: helper.clientId, clientSecret: helper.clientSecret, dpop: true });
    const accepted = await other.accept(await task.delegate(helper.clientId));
    expect(accepted.answer.token_type).toBe('DPoP');
    expect(await task.complete()).toMatchObject({ state: 'completed' });
  });

  test('may be one that the caller brings, even one that cannot be exported', async () => {
    const pair = await generateKeyPair('EdDSA', { extractable: false });
    const task = await bound({ dpop: pair }).task();
    expect(task.answer.token_type).toBe('DPoP');
    await task.renew();
  });

  test('is proved with the nonce that the server asks for, once', async () => {
    let asked = 0;
    const nonce = () =>
      Response.json(
        { error: 'use_dpop_nonce' },
        { status: 400, headers: { 'dpop-nonce': 'from-the-server' } },
      );
    const network = watch(({ url, headers }) => {
      if (!url.pathname.endsWith('/token')) return 'pass';
      asked += 1;
      const [, payload = ''] = (headers.get('dpop') ?? '').split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
      if (asked === 1) return nonce();
      expect(claims.nonce).toBe('from-the-server');
      return Response.json({ error: 'access_denied' }, { status: 400 });
    });
    await expect(bound({ fetch: network.fetch }).task()).rejects.toMatchObject({ code: 'access_denied' });
    expect(asked).toBe(2);
    const insatiable = watch(({ url }) => (url.pathname.endsWith('/token') ? nonce() : 'pass'));
    await expect(bound({ fetch: insatiable.fetch }).task()).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    expect(insatiable.requests.filter(({ url }) => url.pathname.endsWith('/token'))).toHaveLength(2);
  });

  test('of a clock that is wrong is accepted after the server’s own nonce', async () => {
    const clock = { ...skippingClock(), now: () => Date.now() - 3_600_000 };
    const task = await bound({ clock }).task();
    expect(task.answer.token_type).toBe('DPoP');
  });
});

describe('a server', () => {
  const metadata = (over: object) => {
    const endpoints = ['token', 'authorization', 'introspection', 'revocation'];
    const named = endpoints.map((name) => [`${name}_endpoint`, `https://auth.example.com/${name}`]);
    return Response.json({ issuer: 'https://auth.example.com', ...Object.fromEntries(named), ...over });
  };
  const reading = (body: Response) =>
    createAgent({ issuer: 'https://auth.example.com/', fetch: async () => body }).metadata();

  test('is taken for the issuer only if it calls itself that', async () => {
    await expect(reading(metadata({}))).resolves.toMatchObject({ issuer: 'https://auth.example.com' });
    await expect(reading(metadata({ issuer: 'https://evil.example.com' }))).rejects.toMatchObject({
      code: 'issuer_mismatch',
    });
    await expect(reading(metadata({ issuer: undefined }))).rejects.toMatchObject({ code: 'issuer_mismatch' });
  });

  test('whose endpoints could be read on the way is refused', async () => {
    const open = metadata({ token_endpoint: 'http://auth.example.com/token' });
    await expect(reading(open)).rejects.toMatchObject({ code: 'answer_invalid' });
    await expect(reading(metadata({ revocation_endpoint: undefined }))).rejects.toMatchObject({
      code: 'answer_invalid',
    });
  });

  test.each([
    'http://auth.example.com',
    'auth.example.com',
    'https://auth.example.com?x=1',
    'ftp://localhost',
  ])('at %s is refused at once', (issuer) => {
    expect(() => createAgent({ issuer })).toThrow(expect.objectContaining({ code: 'option_invalid' }));
  });

  test('that failed to tell about itself is asked again', async () => {
    let calls = 0;
    const fetch = async () => {
      calls += 1;
      return calls === 1 ? new Response(null, { status: 404 }) : metadata({});
    };
    const one = createAgent({ issuer: 'https://auth.example.com', fetch });
    await expect(one.metadata()).rejects.toMatchObject({ status: 404 });
    await expect(one.metadata()).resolves.toMatchObject({ issuer: 'https://auth.example.com' });
  });
});

test('what the server refuses says why, by code, reason and request', async () => {
  const { clientId, clientSecret } = await registerAgent(server);
  const one = agent({ clientId, clientSecret });
  const wider = one.task({ scope: 'example:read' }, (task) =>
    task.child({ scope: 'example:read reports:write' }),
  );
  const error = (await wider.catch((thrown: unknown) => thrown)) as TaskgrantError;
  expect(error).toMatchObject({
    name: 'TaskgrantError',
    status: 400,
    code: 'invalid_scope',
    taskError: 'not_subset',
    retryable: false,
  });
  expect(error.message).toContain('reports:write');
  expect(error.requestId).toEqual(expect.any(String));
  expect(error.details).toMatchObject({ error: 'invalid_scope' });
  await expect(agent({ clientId, clientSecret: 'wrong' }).task()).rejects.toMatchObject({
    status: 401,
    code: 'invalid_client',
  });
  const unknown = await administer(server, 'GET', `/api/agents/${clientId}`);
  expect(unknown.client_id).toBe(clientId);
});
