import { describe, expect, test } from '@jest/globals';
import { compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { createJwsSigner } from '../../src/crypto/jws.ts';
import { generateSigningKey, SIGNING_ALGORITHMS } from '../../src/crypto/signing-key.ts';

describe.each(SIGNING_ALGORITHMS)('a JWS under %s', (algorithm) => {
  test('says what another implementation verifies with the public key, and nothing else', async () => {
    const key = await generateSigningKey('k1', algorithm);
    const sign = createJwsSigner('at+jwt');
    const payload = JSON.stringify({ sub: 'agent', scope: 'ü €' });
    const jws = await sign(key, payload);
    expect(jws).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
    expect(decodeProtectedHeader(jws)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: 'k1' });
    const verified = await compactVerify(jws, await importJWK(key.publicJwk, algorithm));
    expect(new TextDecoder().decode(verified.payload)).toBe(payload);

    const other = await generateSigningKey('k1', algorithm);
    await expect(compactVerify(jws, await importJWK(other.publicJwk, algorithm))).rejects.toThrow(
      'signature verification failed',
    );
  });

  test('is made for many at once, with many keys, each answered with its own', async () => {
    const keys = await Promise.all(['k1', 'k2', 'k3'].map((kid) => generateSigningKey(kid, algorithm)));
    const sign = createJwsSigner('at+jwt');
    for (let round = 0; round < 3; round += 1) {
      const made = await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const key = keys[(i + round) % 3] as (typeof keys)[number];
          return { key, payload: `${round} ${i}`, jws: await sign(key, `${round} ${i}`) };
        }),
      );
      for (const { key, payload, jws } of made) {
        const verified = await compactVerify(jws, await importJWK(key.publicJwk, algorithm));
        expect(new TextDecoder().decode(verified.payload)).toBe(payload);
      }
    }
  });
});

test('a key that cannot sign fails those that asked for it, and nobody after them', async () => {
  const key = await generateSigningKey('k1', 'ES256');
  const broken = { ...key, privateJwk: { kty: 'EC', crv: 'P-256' } as JWK };
  const sign = createJwsSigner('at+jwt');
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => sign(broken, 'x')));
  expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  const jws = await Promise.all(Array.from({ length: 5 }, () => sign(key, 'x')));
  for (const one of jws) await compactVerify(one, await importJWK(key.publicJwk, 'ES256'));
});
