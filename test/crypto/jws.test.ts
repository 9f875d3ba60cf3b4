import { describe, expect, test } from '@jest/globals';
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { jwsSigner } from '../../src/crypto/jws.ts';
import { generateSigningKey, SIGNING_ALGORITHMS } from '../../src/crypto/signing-key.ts';

describe.each(SIGNING_ALGORITHMS)('a JWS under %s', (algorithm) => {
  test('says what another implementation verifies with the public key, and nothing else', async () => {
    const key = await generateSigningKey('k1', algorithm);
    const sign = jwsSigner(key, 'at+jwt');
    const payload = JSON.stringify({ sub: 'agent', scope: 'ü €' });
    const jws = await sign(payload);
    expect(jws).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/);
    expect(decodeProtectedHeader(jws)).toEqual({ alg: algorithm, typ: 'at+jwt', kid: 'k1' });
    const verified = await compactVerify(jws, await importJWK(key.publicJwk, algorithm));
    expect(new TextDecoder().decode(verified.payload)).toBe(payload);

    const other = await generateSigningKey('k1', algorithm);
    await expect(compactVerify(jws, await importJWK(other.publicJwk, algorithm))).rejects.toThrow(
      'signature verification failed',
    );
  });
});
