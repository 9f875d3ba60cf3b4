import { randomBytes } from 'node:crypto';
import type { Ids } from '../app/ports.ts';

const ID_BYTES = 16;
const SECRET_BYTES = 32;

/** Random ids (128 bits, 22 characters) and secrets (256 bits, 43 characters) of the system's generator. */
export function createIds(): Ids {
  return {
    next: () => randomBytes(ID_BYTES).toString('base64url'),
    secret: () => randomBytes(SECRET_BYTES).toString('base64url'),
  };
}
