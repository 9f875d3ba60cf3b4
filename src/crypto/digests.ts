import { createHash, timingSafeEqual } from 'node:crypto';
import type { Digests } from '../app/ports.ts';

/** SHA-256 for random secrets and for S256 (RFC 7636 §4.2), and a comparison in constant time. */
export function createDigests(): Digests {
  return {
    sha256: (value) => digest(value).toString('base64url'),
    // Both sides are digested first: timingSafeEqual throws on different lengths, digests have only one.
    equal: (a, b) => timingSafeEqual(digest(a), digest(b)),
  };
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value, 'utf8').digest();
}
