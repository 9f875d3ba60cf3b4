import { type KeyObject, sign } from 'node:crypto';
import type { SigningAlgorithm } from './signing-key.ts';

/** The signature over `input` as a JWS carries it. */
export const SIGNATURES: Readonly<Record<SigningAlgorithm, (input: Buffer, key: KeyObject) => Buffer>> = {
  // RFC 7518 §3.4: R and S side by side, not in DER.
  ES256: (input, key) => sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' }),
  // RFC 8037 §3.1: pure EdDSA, which hashes by itself.
  EdDSA: (input, key) => sign(null, input, key),
  RS256: (input, key) => sign('sha256', input, key),
};
