import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dpopNonces, type Guard, replaysInMemory } from '@taskgrant/sdk/resource';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type GenerateKeyPairResult,
  SignJWT,
} from 'jose';
import {
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { open, requestToken } from '../../../test/support/token-requests.ts';
import { sha256 } from '../../src/shared/encoding.ts';
import { guardOf, withToken } from './protected-api.ts';

/** RFC 9449 §4.3 and §7: a token that is bound to a key, at an API behind a path of its own. */
let server: TestServer;
let api: ResourceServerParty;
let agent: AgentParty;
let guard: Guard;
let mine: GenerateKeyPairResult;
let bound: string;

const PUBLIC_URL = 'https://gateway.example.com/reports-api';

beforeAll(async () => {
  server = await startServer();
  api = await registerResourceServer(server);
  agent = await registerAgent(server);
  guard = guardOf(server, api, { publicUrl: PUBLIC_URL });
  mine = await generateKeyPair('ES256', { extractable: true });
  const htu = `${server.issuer}/api/oauth/token`;
  const proof = await proofOf(mine, { htm: 'POST', htu, ath: undefined });
  const form = { grant_type: 'client_credentials', scope: 'reports:read', resource: api.audience };
  const { status, body } = await requestToken(server, { headers: { ...agent.headers, dpop: proof } }, form);
  expect([status, body.token_type]).toEqual([200, 'DPoP']);
  bound = body.access_token;
  await guard.ready();
});
afterAll(async () => {
  guard.close();
  await server.stop();
});

/** A proof for GET /reports with the bound token, as a client makes it; `over` changes its claims. */
async function proofOf(
  { publicKey, privateKey }: GenerateKeyPairResult,
  over: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    htm: 'GET',
    htu: `${PUBLIC_URL}/reports`,
    ath: bound === undefined ? undefined : await sha256(bound),
    ...over,
  };
  const jwk = await exportJWK(publicKey);
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
    .sign(privateKey);
}

const withProof = (proof: string | undefined, token = bound) =>
  withToken(token, { authorization: `DPoP ${token}`, ...(proof === undefined ? {} : { dpop: proof }) });

async function reasonOf(proof: string | undefined, by = guard): Promise<string> {
  const answer = await by.authenticate(withProof(proof));
  return answer.accepted ? 'accepted' : answer.reason;
}

describe('a token that is bound to a key', () => {
  test('is accepted with a proof of that key for this request', async () => {
    const answer = await guard.authenticate({
      ...withProof(await proofOf(mine)),
      url: '/reports?year=2026#top',
    });
    const keyThumbprint = await calculateJwkThumbprint(await exportJWK(mine.publicKey));
    expect(answer).toMatchObject({ accepted: true, access: { keyThumbprint, clientId: agent.clientId } });
  });

  test('is never accepted as a mere bearer token', async () => {
    const answer = await guard.authenticate(withToken(bound, { dpop: await proofOf(mine) }));
    expect(answer).toMatchObject({ status: 401, reason: 'key_required' });
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token".*algs="ES256 /);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['for another method', { htm: 'POST' }, {}],
    ['for another path', { htu: `${PUBLIC_URL}/other` }, {}],
    ['for the path without the prefix', { htu: 'https://gateway.example.com/reports' }, {}],
    ['for another host', { htu: 'https://evil.example.com/reports-api/reports' }, {}],
    ['for no URL', { htu: 'reports' }, {}],
    ['for a list of URLs', { htu: [`${PUBLIC_URL}/reports`] }, {}],
    ['for another token', { ath: 'x'.repeat(43) }, {}],
    ['for no token', { ath: undefined }, {}],
    ['without an id', { jti: undefined }, {}],
    ['with an endless id', { jti: 'x'.repeat(257) }, {}],
    ['of long ago', { iat: Math.floor(Date.now() / 1000) - 61 }, {}],
    ['of the future', { iat: Math.floor(Date.now() / 1000) + 90 }, {}],
    ['without a time', { iat: undefined }, {}],
    ['of another type', {}, { typ: 'JWT' }],
    ['without its key', {}, { jwk: undefined }],
  ])('is refused with a proof %s', async (_what, claims, header) => {
    expect(await reasonOf(await proofOf(mine, claims, header))).toBe('proof_invalid');
  });

  test('is refused with a proof of another key, without one, and with two', async () => {
    const other = await generateKeyPair('ES256', { extractable: true });
    expect(await reasonOf(await proofOf(other))).toBe('proof_invalid');
    expect(await reasonOf(undefined)).toBe('proof_invalid');
    expect(await reasonOf(`${await proofOf(mine)}, ${await proofOf(mine)}`)).toBe('proof_invalid');
    const stolen = await proofOf(other, {}, { jwk: await exportJWK(mine.publicKey) });
    expect(await reasonOf(stolen)).toBe('proof_invalid');
  });

  test('is refused with a proof that brings a private or a symmetric key', async () => {
    const withPrivate = await proofOf(mine, {}, { jwk: await exportJWK(mine.privateKey) });
    expect(await reasonOf(withPrivate)).toBe('proof_invalid');
    const secret = randomBytes(32);
    const jwk = { kty: 'oct', k: secret.toString('base64url') };
    const symmetric = await new SignJWT({ jti: 'a', iat: Date.now() / 1000, htm: 'GET', htu: PUBLIC_URL })
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk })
      .sign(secret);
    expect(await reasonOf(symmetric)).toBe('proof_invalid');
  });

  test('is refused with a proof that was used before', async () => {
    const proof = await proofOf(mine);
    const both = await Promise.all([reasonOf(proof), reasonOf(proof)]);
    expect(both.toSorted()).toEqual(['accepted', 'proof_invalid']);
    expect(await reasonOf(proof)).toBe('proof_invalid');
  });

  test('proves itself once to all guards that it passes, and stays refused wherever it comes again', async () => {
    const proof = await proofOf(mine);
    const request = withProof(proof);
    const route = guard.requiring({ scope: 'reports:read' });
    for (const by of [guard, route]) expect(await by.authenticate(request)).toMatchObject({ accepted: true });
    for (const by of [guard, route]) expect(await reasonOf(proof, by)).toBe('proof_invalid');
  });

  test('a bad proof does not spend the id of a good one', async () => {
    const jti = randomUUID();
    expect(await reasonOf(await proofOf(mine, { jti, htm: 'POST' }))).toBe('proof_invalid');
    expect(await reasonOf(await proofOf(mine, { jti }))).toBe('accepted');
  });

  test('is accepted by introspection just so', async () => {
    const asking = guardOf(server, api, { publicUrl: PUBLIC_URL, mode: 'introspection' });
    expect(await reasonOf(await proofOf(mine), asking)).toBe('accepted');
    expect(await asking.authenticate(withToken(bound))).toMatchObject({
      status: 401,
      reason: 'key_required',
    });
    asking.close();
  });

  test('is refused where keys are not looked at', async () => {
    const blind = guardOf(server, api, { dpop: 'off' });
    expect(await reasonOf(await proofOf(mine), blind)).toBe('key_required');
    blind.close();
  });
});

describe('a token that is not bound', () => {
  test('is no DPoP token', async () => {
    const { token } = await open(server, agent, { scope: 'reports:read', resource: api.audience });
    const answer = await guard.authenticate(
      withProof(await proofOf(mine, { ath: await sha256(token) }), token),
    );
    expect(answer).toMatchObject({ status: 401, reason: 'not_key_bound' });
  });

  test('is refused where a key is required, and the challenge says so', async () => {
    const strict = guardOf(server, api, { dpop: 'required' });
    const { token } = await open(server, agent, { scope: 'reports:read', resource: api.audience });
    const answer = await strict.authenticate(withToken(token));
    expect(answer).toMatchObject({ status: 401, reason: 'key_required' });
    const stranger = await strict.authenticate({ method: 'GET', url: '/', headers: {} });
    expect(stranger.headers['www-authenticate']).toMatch(
      /^DPoP scope="reports:read", .*algs="ES256 EdDSA Ed25519 RS256"$/,
    );
    expect(strict.metadata).toMatchObject({ dpop_bound_access_tokens_required: true });
    strict.close();
  });
});

describe('nonces', () => {
  const secret = randomBytes(32);
  let now = Date.now();
  const nonces = dpopNonces({ secret, seconds: 60, now: () => now });

  test('are asked for, and given again before they are too old (RFC 9449 §9)', async () => {
    const asking = guardOf(server, api, { publicUrl: PUBLIC_URL, nonces });
    const refused = await asking.authenticate(withProof(await proofOf(mine)));
    expect(refused).toMatchObject({
      status: 401,
      reason: 'nonce_required',
      body: { code: 'use_dpop_nonce' },
    });
    expect(refused.headers['www-authenticate']).toContain('DPoP error="use_dpop_nonce"');
    const nonce = refused.headers['dpop-nonce'];
    const accepted = await asking.authenticate(withProof(await proofOf(mine, { nonce })));
    expect(accepted).toMatchObject({ accepted: true, headers: { 'dpop-nonce': await nonces.current() } });
    asking.close();
  });

  test('work for two time slots, with their own secret only', async () => {
    const nonce = await nonces.current();
    expect(await dpopNonces({ secret: randomBytes(32), seconds: 60 }).accepts(nonce)).toBe(false);
    now += 60_000;
    expect(await nonces.accepts(nonce)).toBe(true);
    now += 60_000;
    expect(await nonces.accepts(nonce)).toBe(false);
    now -= 180_000;
    expect(await nonces.accepts(nonce)).toBe(false);
    for (const forged of [undefined, '', 'a.b', `${nonce}A`, nonce.replace(/^\w+/, 'zzzz')]) {
      expect(await nonces.accepts(forged)).toBe(false);
    }
    expect(() => dpopNonces({ secret: randomBytes(31) })).toThrow('at least 32 bytes');
  });
});

test('the store of used proofs is bounded, and refuses rather than forgets', () => {
  let now = 0;
  const replays = replaysInMemory({ most: 2, now: () => now });
  expect([replays.spend('a', 5000), replays.spend('b', 5000), replays.spend('c', 5000)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(replays.spend('a', 5000)).toBe(false);
  now = 5000;
  expect([replays.spend('a', 9000), replays.spend('c', 9000)]).toEqual([true, true]);
});
