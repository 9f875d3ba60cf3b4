import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type CryptoKey,
  CompactSign,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  UnsecuredJWT,
} from 'jose';
import type { AccessTokenSigner } from '../../src/app/ports.ts';
import { createAccessTokenSigner } from '../../src/crypto/access-token-signer.ts';
import type { Keyring } from '../../src/crypto/keyring.ts';
import { SIGNING_ALGORITHMS } from '../../src/crypto/signing-key.ts';
import {
  createManualClock,
  keyringNode,
  type ManualClock,
  PUBLISH_AHEAD,
  VERIFY_AFTER,
} from '../support/keyring-node.ts';
import { createMemoryKeyStore, type MemoryKeyStore } from '../support/memory-key-store.ts';

const ISSUER = 'https://as.example';
const CLAIMS = { iss: ISSUER, sub: 'agent', aud: 'https://api.example', jti: 'j', exp: 2_000 };

let store: MemoryKeyStore;
let clock: ManualClock;
let ring: Keyring;
let signer: AccessTokenSigner;
beforeEach(async () => {
  store = createMemoryKeyStore();
  clock = createManualClock();
  ring = keyringNode(store, clock);
  await ring.ensure();
  signer = createAccessTokenSigner({ keyring: ring, issuer: ISSUER });
});

type Header = { alg: string } & Record<string, unknown>;

/** Signs whatever a forger likes. */
async function forge(header: Header, key: Parameters<CompactSign['sign']>[0], payload: unknown = CLAIMS) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return new CompactSign(new TextEncoder().encode(text)).setProtectedHeader(header).sign(key);
}

const ourHeader = () => ({ alg: 'ES256', typ: 'at+jwt', kid: ring.current().kid });
const ourKey = () => importJWK(ring.current().privateJwk, 'ES256');
const bytes = (text: string) => new TextEncoder().encode(text);
const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());

describe('an access token', () => {
  test.each(SIGNING_ALGORITHMS)(
    'signed with %s is recognised, with its header as in RFC 9068',
    async (algorithm) => {
      const own = keyringNode(createMemoryKeyStore(), clock, { algorithm });
      await own.ensure();
      const signing = createAccessTokenSigner({ keyring: own, issuer: ISSUER });
      const token = await signing.sign(CLAIMS);
      expect(headerOf(token)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: own.current().kid });
      expect(await signing.verify(token)).toEqual(CLAIMS);
    },
  );

  test('always names its issuer', async () => {
    expect(await signer.verify(await signer.sign({ sub: 'agent' }))).toEqual({ sub: 'agent', iss: ISSUER });
  });

  test('that expired still gives its claims', async () => {
    expect(await signer.verify(await signer.sign({ ...CLAIMS, exp: 1, nbf: 9e9 }))).toMatchObject({ exp: 1 });
  });

  test('tells which token it claims to be, whatever else it says, and whatever comes first', async () => {
    const quoting = 'x","jti":"other';
    const long = 'a'.repeat(2000);
    const nested = { act: { jti: 'other' }, task: { lineage: [{ jti: 'other' }] } };
    for (const claims of [
      CLAIMS,
      { ...CLAIMS, jti: 'A-_9' },
      { iss: ISSUER, sub: quoting, client_id: quoting, jti: 'j', ...nested },
      { sub: quoting, iss: ISSUER, ...nested, jti: 'j' },
      { iss: ISSUER, sub: long, jti: 'j' },
      // Where the first part that is searched ends within the id.
      {
        iss: ISSUER,
        sub: long.slice(0, 768 - `{"iss":"${ISSUER}","sub":"","jti":"j`.length),
        jti: 'j-and-more',
      },
      { iss: ISSUER, jti: 'j', sub: long },
    ]) {
      expect(await signer.tokenIdOf(await signer.sign(claims))).toBe(claims.jti);
      expect(await signer.tokenIdOf(await forge(ourHeader(), await ourKey(), claims))).toBe(claims.jti);
    }
  });

  test('is none with another issuer, another form or no id', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    for (const payload of [
      { ...CLAIMS, iss: `${ISSUER}.evil.example` },
      { ...CLAIMS, iss: undefined },
      { ...CLAIMS, jti: undefined },
      { ...CLAIMS, jti: 1 },
      '"iss"',
      'no JSON',
    ]) {
      expect(await signer.tokenIdOf(await forge(ourHeader(), privateKey, payload))).toBeUndefined();
    }
    expect(await signer.tokenIdOf(await forge({ ...ourHeader(), kid: 'x' }, privateKey))).toBeUndefined();
    expect(await signer.tokenIdOf('a.b.c')).toBeUndefined();
  });

  test('may say its type in the long form', async () => {
    const token = await forge({ ...ourHeader(), typ: 'application/at+jwt' }, await ourKey());
    expect(await signer.verify(token)).toEqual(CLAIMS);
  });
});

describe('a forged token is refused', () => {
  test('with HS256 and the public key as the secret, in every form of it', async () => {
    const { publicJwk } = ring.current();
    const spki = await exportSPKI((await importJWK(publicJwk, 'ES256', { extractable: true })) as CryptoKey);
    const secrets = [spki, spki.trim(), JSON.stringify(publicJwk), publicJwk.x ?? ''];
    for (const secret of secrets) {
      expect(
        await signer.verify(await forge({ ...ourHeader(), alg: 'HS256' }, bytes(secret))),
      ).toBeUndefined();
    }
  });

  test('without a signature (alg none)', async () => {
    const unsecured = new UnsecuredJWT(CLAIMS).encode();
    const header = Buffer.from(JSON.stringify({ ...ourHeader(), alg: 'none' })).toString('base64url');
    const [, payload] = unsecured.split('.');
    const [head, , signature] = (await signer.sign(CLAIMS)).split('.');
    const forged = [
      unsecured,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature}`,
      `${head}.${payload}.`,
    ];
    for (const token of forged) expect(await signer.verify(token)).toBeUndefined();
  });

  test.each(['ES256', 'EdDSA', 'RS256', 'PS256'])('with a foreign %s key under our kid', async (alg) => {
    const { privateKey } = await generateKeyPair(alg);
    expect(await signer.verify(await forge({ ...ourHeader(), alg }, privateKey))).toBeUndefined();
  });

  test('with the algorithm of another key of ours', async () => {
    const second = keyringNode(store, clock, { algorithm: 'EdDSA' });
    await second.ensure();
    await ring.refresh();
    const other = ring.publicJwks().keys.find((key) => key.alg === 'EdDSA');
    expect(other).toBeDefined();
    const key = second.privateJwks().keys.find((jwk) => jwk.alg === 'EdDSA') as JWK;
    const token = await forge({ ...ourHeader(), alg: 'EdDSA' }, await importJWK(key, 'EdDSA'));
    expect(await signer.verify(token)).toBeUndefined();
  });

  test('with its own key in the header (jwk, jku, x5u)', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const hints = [{ jwk }, { jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/x' }];
    for (const hint of hints) {
      expect(await signer.verify(await forge({ ...ourHeader(), ...hint }, privateKey))).toBeUndefined();
    }
    // Ignored, not obeyed: our own signature still counts.
    for (const hint of hints.slice(1)) {
      expect(await signer.verify(await forge({ ...ourHeader(), ...hint }, await ourKey()))).toEqual(CLAIMS);
    }
  });

  test('when any character was changed', async () => {
    const token = await signer.sign(CLAIMS);
    for (let index = 0; index < token.length; index += 1) {
      const changed = token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
      if ((await signer.verify(changed)) !== undefined)
        throw new Error(`accepted with character ${index} changed`);
    }
  });
});

describe('a token signed by our own key is refused', () => {
  test.each([
    ['the type of an ID token', { typ: 'JWT' }],
    ['no type', { typ: undefined }],
    ['another type', { typ: 'logout+jwt' }],
    ['another case of the type', { typ: 'AT+JWT' }],
    ['no kid', { kid: undefined }],
    ['an unknown kid', { kid: 'unknown' }],
    ['a kid that is no string', { kid: ['a'] }],
    ['a kid of the language', { kid: '__proto__' }],
  ])('with %s', async (_what, header) => {
    expect(await signer.verify(await forge({ ...ourHeader(), ...header }, await ourKey()))).toBeUndefined();
  });

  test('with critical extensions', async () => {
    const [, payload] = (await signer.sign(CLAIMS)).split('.');
    for (const crit of [['b64'], ['exp'], []]) {
      const header = Buffer.from(JSON.stringify({ ...ourHeader(), crit, exp: 1, b64: true })).toString(
        'base64url',
      );
      const key = (await ourKey()) as CryptoKey;
      const input = bytes(`${header}.${payload}`);
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, input);
      const token = `${header}.${payload}.${Buffer.from(signature).toString('base64url')}`;
      expect(await signer.verify(token)).toBeUndefined();
    }
  });

  test.each([
    ['of another issuer', { ...CLAIMS, iss: 'https://other.example' }],
    ['of a similar issuer', { ...CLAIMS, iss: `${ISSUER}/` }],
    ['of a list of issuers', { ...CLAIMS, iss: [ISSUER] }],
    ['without an issuer', { sub: 'agent' }],
    ['that is an array', [CLAIMS]],
    ['that is null', null],
    ['that is not JSON', 'not json'],
    ['beyond 16 KiB', { ...CLAIMS, big: 'x'.repeat(16 * 1024) }],
  ])('with a payload %s', async (_what, payload) => {
    expect(await signer.verify(await forge(ourHeader(), await ourKey(), payload))).toBeUndefined();
  });
});

describe('what is no token', () => {
  test.each(['', '.', '..', '...', 'a.b', 'a.b.c', 'a.b.c.d', '{}', 'x'.repeat(1e6), '💥.💥.💥'])(
    'is refused without throwing (%#)',
    async (value) => {
      expect(await signer.verify(value)).toBeUndefined();
    },
  );

  test('may be of any type', async () => {
    for (const value of [undefined, null, 1, {}, ['a.b.c']]) {
      expect(await signer.verify(value as string)).toBeUndefined();
    }
  });

  test('is refused with white space or padding around a good one', async () => {
    const token = await signer.sign(CLAIMS);
    for (const value of [` ${token}`, `${token}\n`, `${token}=`])
      expect(await signer.verify(value)).toBeUndefined();
  });
});

describe('tokens through a rotation', () => {
  test('verify until the end of their key, then not', async () => {
    const token = await signer.sign(CLAIMS);
    const { kid: next } = await ring.rotate(clock.now());
    clock.time += PUBLISH_AHEAD;
    expect(headerOf(await signer.sign(CLAIMS))).toMatchObject({ kid: next });
    clock.time += VERIFY_AFTER - 1;
    expect(await signer.verify(token)).toEqual(CLAIMS);
    clock.time += 1;
    expect(await signer.verify(token)).toBeUndefined();
  });

  test('of a node that rotated are recognised by one that has not looked yet', async () => {
    const other = keyringNode(store, clock);
    await other.ensure();
    await other.rotate(clock.now());
    clock.time += PUBLISH_AHEAD;
    const token = await createAccessTokenSigner({ keyring: other, issuer: ISSUER }).sign(CLAIMS);
    expect(await signer.verify(token)).toEqual(CLAIMS);
  });

  test('with unknown kids that are sent at once share their reads of the store', async () => {
    const key = await ourKey();
    const kids = Array.from({ length: 20 }, (_, i) => `guess-${i}`);
    const tokens = await Promise.all(kids.map((kid) => forge({ ...ourHeader(), kid }, key)));
    const before = store.reads;
    const claims = await Promise.all(tokens.map((token) => signer.verify(token)));
    expect(claims).toEqual(tokens.map(() => undefined));
    expect(store.reads - before).toBe(2);
  });

  test('with an unknown kid are not refused for a store that does not answer', async () => {
    const token = await forge({ ...ourHeader(), kid: 'unknown' }, await ourKey());
    store.all = () => Promise.reject(new Error('the database is away'));
    await expect(signer.verify(token)).rejects.toThrow('the database is away');
  });
});
