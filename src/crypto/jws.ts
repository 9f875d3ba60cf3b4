import { createPrivateKey, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import type { SigningAlgorithm, SigningKey } from './signing-key.ts';

/** Makes JWS in compact serialization (RFC 7515 §3.1) under one key and one protected header. */
export type JwsSigner = (payload: string) => Promise<string>;

/**
 * ECDSA and EdDSA sign where they are called: handing 50 µs of work to another thread costs as much as the work. RSA
 * takes twenty times as long and goes to the thread pool.
 */
export function jwsSigner(key: SigningKey, type: string): JwsSigner {
  const header = base64url(JSON.stringify({ alg: key.algorithm, typ: type, kid: key.kid }));
  const privateKey = createPrivateKey({ key: key.privateJwk as JsonWebKey, format: 'jwk' });
  const signature = SIGNATURES[key.algorithm];
  return async (payload) => {
    const input = `${header}.${base64url(payload)}`;
    return `${input}.${(await signature(Buffer.from(input), privateKey)).toString('base64url')}`;
  };
}

type Signature = (input: Buffer, key: KeyObject) => Buffer | Promise<Buffer>;

const SIGNATURES: Readonly<Record<SigningAlgorithm, Signature>> = {
  // RFC 7518 §3.4: R and S side by side, not in DER.
  ES256: (input, key) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }),
  // RFC 8037 §3.1: pure EdDSA, which hashes by itself.
  EdDSA: (input, key) => sign(null, input, key),
  RS256: (input, key) =>
    new Promise((resolve, reject) => {
      sign('sha256', input, key, (error, signature) => (error ? reject(error) : resolve(signature)));
    }),
};

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
