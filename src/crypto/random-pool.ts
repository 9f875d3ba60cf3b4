import { randomFillSync } from 'node:crypto';

/** One request to the system's generator costs about as much as a hundred ids. */
const POOL_BYTES = 4096;

/**
 * Random bytes of the system's generator, fetched many at a time. What was handed out is wiped from the pool, so that
 * no id or secret can be found in memory after its owner has forgotten it.
 */
export function createRandomPool(fill: (pool: Buffer) => void = randomFillSync): RandomPool {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    base64url(bytes) {
      if (bytes > POOL_BYTES) throw new RangeError(`at most ${POOL_BYTES} random bytes at once`);
      if (used + bytes > POOL_BYTES) {
        fill(pool);
        used = 0;
      }
      const text = pool.toString('base64url', used, used + bytes);
      pool.fill(0, used, used + bytes);
      used += bytes;
      return text;
    },
  };
}

export interface RandomPool {
  /** So many random bytes, in base64url. No byte is ever handed out twice. */
  base64url(bytes: number): string;
}
