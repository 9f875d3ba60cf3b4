import { hash, timingSafeEqual } from 'node:crypto';
import type { Digests } from '../app/ports.ts';

/** SHA-256 for random secrets and for S256 (RFC 7636 §4.2), and a comparison in constant time. */
export function createDigests(): Digests {
  return {
    sha256: (value) => hash('sha256', value, 'base64url'),
    // timingSafeEqual throws on different lengths; digests have only one.
    equal: (a, b) =>
      a.length === b.length
        ? equalBytes(Buffer.from(a), Buffer.from(b))
        : timingSafeEqual(digest(a), digest(b)),
  };
}

/** Text of one length may be of different lengths in bytes. */
function equalBytes(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b.length === a.length ? b : a) && a.length === b.length;
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer');
}
