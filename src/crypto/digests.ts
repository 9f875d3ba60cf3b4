import { hash, timingSafeEqual } from 'node:crypto';
import type { Digests } from '../app/ports.ts';

/** SHA-256 for random secrets and for S256 (RFC 7636 §4.2), and a comparison in constant time. */
export function createDigests(): Digests {
  return {
    sha256: (value) => hash('sha256', value, 'base64url'),
    equal(a, b) {
      const [x, y] = [Buffer.from(a), Buffer.from(b)];
      // timingSafeEqual throws on different lengths; digests have only one.
      return x.length === y.length ? timingSafeEqual(x, y) : timingSafeEqual(digest(a), digest(b));
    },
  };
}

function digest(value: string): Buffer {
  return hash('sha256', value, 'buffer');
}
