import type { Ids } from '../app/ports.ts';
import { createRandomPool } from './random-pool.ts';

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const TIME_DIGITS = 12;
const ORDERED_BYTES = 10;

/** Random ids (128 bits, 22 characters) and secrets (256 bits, 43 characters) of the system's generator. */
export function createIds(random = createRandomPool()): Ids {
  return {
    next: () => {
      const id = random.base64url(ID_BYTES);
      return id.startsWith('-') ? `_${id.slice(1)}` : id;
    },
    // Hexadecimal time first: unlike base64url it sorts as the numbers do.
    ordered: (now) => now.toString(16).padStart(TIME_DIGITS, '0') + random.base64url(ORDERED_BYTES),
    secret: () => random.base64url(SECRET_BYTES),
  };
}
