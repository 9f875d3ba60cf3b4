import { type KeyObject, sign } from 'node:crypto';
import { joseSignature } from './ecdsa-signature.ts';
import type { SigningAlgorithm } from './signing-key.ts';

/**
 * The signature over `input` as a JWS carries it. Keys are handed over bare: an object that names an encoding beside
 * the key makes Node prepare the key anew each time, which costs as much as signing.
 */
export const SIGNATURES: Readonly<Record<SigningAlgorithm, (input: Buffer, key: KeyObject) => Buffer>> = {
  ES256: (input, key) => joseSignature(sign('sha256', input, key)),
  // RFC 8037 §3.1: pure EdDSA, which hashes by itself.
  EdDSA: (input, key) => sign(null, input, key),
  RS256: (input, key) => sign('sha256', input, key),
};
