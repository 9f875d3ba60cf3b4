import { type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { joseSignature } from './ecdsa-signature.ts';
import type { SigningAlgorithm } from './signing-key.ts';

const signElsewhere = promisify(sign);

/**
 * The signature over `input` as a JWS carries it. ES256 and EdDSA take 30 µs, less than waking another thread would; an
 * RSA signature takes as long as a whole request, so the thread pool makes it.
 *
 * Keys are handed over bare: an object that names an encoding beside the key makes Node prepare the key anew each time,
 * which costs as much as signing.
 */
export const SIGNATURES: Readonly<
  Record<SigningAlgorithm, (input: Buffer, key: KeyObject) => Buffer | Promise<Buffer>>
> = {
  ES256: (input, key) => joseSignature(sign('sha256', input, key)),
  // RFC 8037 §3.1: pure EdDSA, which hashes by itself.
  EdDSA: (input, key) => sign(null, input, key),
  RS256: (input, key) => signElsewhere('sha256', input, key),
};
