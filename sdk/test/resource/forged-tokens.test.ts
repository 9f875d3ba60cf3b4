import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { type Guard, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import { exportJWK, exportSPKI, generateKeyPair } from 'jose';
import {
  AUDIENCE,
  claimsOf,
  type FakeIssuer,
  fakeIssuer,
  ISSUER,
  newKey,
  type SigningPair,
  signed,
} from './fake-issuer.ts';
import { statusOf, withToken } from './protected-api.ts';

/** RFC 9068 §4, RFC 8725: what is no token of the issuer is none, however much it looks like one. */
let issuer: FakeIssuer;
let key: SigningPair;
let guard: Guard;

function offline(over: Partial<ProtectOptions> = {}): Guard {
  return protect({ issuer: ISSUER, audience: AUDIENCE, mode: 'offline', fetch: issuer.fetch, ...over });
}

beforeEach(async () => {
  issuer = fakeIssuer();
  key = await newKey(issuer, 'one');
  guard = offline();
});

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const fetches = () => issuer.asked.filter((path) => path === '/api/oauth/jwks').length;

async function reasonOf(token: string, by = guard): Promise<string> {
  const answer = await by.authenticate(withToken(token));
  return answer.accepted ? 'accepted' : answer.reason;
}

describe('a token whose signature is right', () => {
  test('is accepted, a second time without another signature check', async () => {
    const token = await signed(key);
    expect([await reasonOf(token), await reasonOf(token)]).toEqual(['accepted', 'accepted']);
    expect(fetches()).toBe(1);
  });

  test.each([
    ['for another API', { aud: 'https://other.example.com' }, 'token_for_another_audience'],
    ['for several APIs', { aud: [AUDIENCE, 'https://other.example.com'] }, 'token_invalid'],
    ['of another issuer', { iss: 'https://evil.example.com' }, 'token_invalid'],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 1 }, 'token_expired'],
    ['that never expires', { exp: undefined }, 'token_invalid'],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1000) + 60 }, 'token_invalid'],
    ['without an id', { jti: undefined }, 'token_invalid'],
    ['without a client', { client_id: undefined }, 'token_invalid'],
    ['without a task', { task: undefined }, 'token_invalid'],
    ['with a confirmation that is not understood', { cnf: { 'x5t#S256': 'abc' } }, 'token_invalid'],
    ['whose actors are none', { act: { sub: 1 } }, 'token_invalid'],
  ])('is refused when it is one %s', async (_what, over, reason) => {
    expect(await reasonOf(await signed(key, claimsOf(over)))).toBe(reason);
  });

  test('is refused when it is no access token: an ID token, or one without a type', async () => {
    expect(await reasonOf(await signed(key, claimsOf(), { typ: 'JWT' }))).toBe('token_invalid');
    expect(await reasonOf(await signed(key, claimsOf(), { typ: undefined }))).toBe('token_invalid');
    expect(await reasonOf(await signed(key, claimsOf(), { typ: 'application/at+jwt' }))).toBe('accepted');
  });

  test('expires although it was verified before', async () => {
    let now = Date.now();
    const timed = offline({ clock: { now: () => now } });
    const token = await signed(key);
    expect(await reasonOf(token, timed)).toBe('accepted');
    now += 601_000;
    expect(await reasonOf(token, timed)).toBe('token_expired');
  });
});

describe('a forged token', () => {
  test('without a signature is refused', async () => {
    const none = `${encoded({ alg: 'none', typ: 'at+jwt', kid: 'one' })}.${encoded(claimsOf())}.`;
    expect(await reasonOf(none)).toBe('token_invalid');
    expect(await reasonOf(`${none}AAAA`)).toBe('token_invalid');
  });

  test.each(['HS256', 'ES256'])('signed with the public key as a secret is refused, as %s', async (alg) => {
    const secret = await exportSPKI(key.publicKey);
    const input = `${encoded({ alg, typ: 'at+jwt', kid: 'one' })}.${encoded(claimsOf())}`;
    const mac = createHmac('sha256', secret).update(input).digest('base64url');
    expect(await reasonOf(`${input}.${mac}`)).toBe('token_invalid');
  });

  test('signed with a key that it brings along is refused', async () => {
    const own = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await crypto.subtle.exportKey('jwk', own.publicKey)) };
    const forger = { ...own, kid: 'one', alg: 'ES256' };
    expect(await reasonOf(await signed(forger, claimsOf(), { jwk }))).toBe('token_invalid');
    const elsewhere = { jku: 'https://evil.example.com/jwks', x5u: 'https://evil.example.com/cert' };
    expect(await reasonOf(await signed(forger, claimsOf(), elsewhere))).toBe('token_invalid');
    expect(issuer.asked.every((path) => path === '/api/oauth/jwks')).toBe(true);
  });

  test('with a critical extension, or an unencoded payload, is refused', async () => {
    const [header = '', payload = '', signature = ''] = (await signed(key)).split('.');
    const critical = { alg: 'ES256', typ: 'at+jwt', kid: 'one', crit: ['b64'], b64: false };
    expect(await reasonOf([encoded(critical), payload, signature].join('.'))).toBe('token_invalid');
    expect(await reasonOf([header, payload, signature].join('.'))).toBe('accepted');
  });

  test('is refused with any byte changed', async () => {
    const token = await signed(key);
    for (let at = 0; at < token.length; at += 7) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, at) + other + token.slice(at + 1);
      expect(await statusOf(guard, changed)).toBe(401);
    }
  });

  test('is refused when only the encoding of its signature differs', async () => {
    const token = await signed(key);
    // 64 bytes end in a character of which four bits count.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(token.at(-1) ?? '');
    const variant = token.slice(0, -1) + alphabet[last + 1];
    expect(await reasonOf(variant)).toBe('token_invalid');
    expect(await reasonOf(token)).toBe('accepted');
  });

  test.each(['Bearer', 'Bearer a b', 'Bearer é', `Bearer ${'a'.repeat(20_000)}`, 'DPoP'])(
    'is not taken for no token at all: %.20s',
    async (authorization) => {
      const answer = await guard.authenticate({ method: 'GET', url: '/', headers: { authorization } });
      expect(answer).toMatchObject({ accepted: false, status: 401 });
    },
  );

  test('of an algorithm that is not on the list is refused, though the issuer shows such a key', async () => {
    const other = await newKey(issuer, 'two', 'RS256');
    const token = await signed(other);
    expect(await reasonOf(token, offline({ algorithms: ['ES256'] }))).toBe('token_invalid');
    expect(await reasonOf(token, offline())).toBe('accepted');
  });
});

describe('the keys of the issuer', () => {
  test('are asked for once, however many tokens name one that is unknown', async () => {
    const flood = await Promise.all(
      Array.from({ length: 50 }, (_, i) => signed({ ...key, kid: `unknown-${i}` })),
    );
    expect(await reasonOf(await signed(key))).toBe('accepted');
    const reasons = await Promise.all(flood.map((token) => reasonOf(token)));
    expect(new Set(reasons)).toEqual(new Set(['token_invalid']));
    expect(fetches()).toBe(1);
  });

  test('are never fetched by many at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => signed(key)));
    await Promise.all(tokens.map((token) => reasonOf(token)));
    expect(fetches()).toBe(1);
  });

  test('that cannot be fetched let nobody in, and nobody is called invalid', async () => {
    issuer.mode = 'away';
    const answer = await guard.authenticate(withToken(await signed(key)));
    expect(answer).toMatchObject({
      status: 503,
      reason: 'server_unavailable',
      headers: { 'retry-after': '1' },
    });
    // Nor does every request try.
    await Promise.all(Array.from({ length: 20 }, async () => reasonOf(await signed(key))));
    expect(fetches()).toBe(1);
  });

  test('are never taken as secrets, nor as private keys', async () => {
    issuer.keys = [
      { kty: 'oct', k: encoded({}), kid: 'one', alg: 'HS256' },
      { ...(await exportJWK(key.privateKey)), kid: 'two', alg: 'ES256' },
    ];
    expect(await reasonOf(await signed(key))).toBe('token_invalid');
    expect(await reasonOf(await signed({ ...key, kid: 'two' }))).toBe('token_invalid');
  });
});
