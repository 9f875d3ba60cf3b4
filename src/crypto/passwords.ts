import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Passwords } from '../app/ports.ts';
import { createBoundedQueue } from './bounded-queue.ts';
import {
  formatPasswordHash,
  isBearableCost,
  type PasswordCost,
  type PasswordHash,
  parsePasswordHash,
} from './password-hash.ts';

/** One run of argon2id: the tag of `tagBytes` bytes. */
export type Argon2id = (
  password: string,
  salt: Buffer,
  tagBytes: number,
  cost: PasswordCost,
) => Promise<Buffer>;

const SALT_BYTES = 16;
const TAG_BYTES = 32;
/**
 * A run occupies a thread of libuv's pool, which has four and also signs tokens and reads files: a flood of
 * sign-ins may slow sign-ins, not the token endpoint.
 */
const RUNS_AT_ONCE = 2;
const RUNS_WAITING = 100;

const argon2Async = promisify(argon2);

/**
 * Passwords as argon2id (RFC 9106) in PHC strings. Both calls fail with QueueFullError when more than 100 wait.
 * @throws RangeError when the cost is one that `verify` would refuse to run.
 */
export function createPasswords(cost: PasswordCost, argon2id: Argon2id = nodeArgon2id): Passwords {
  if (!isBearableCost(cost)) {
    throw new RangeError('argon2id cost must be within 8 KiB per lane to 256 MiB, 1–16 passes, 1–16 lanes');
  }
  const queue = createBoundedQueue({ atOnce: RUNS_AT_ONCE, waiting: RUNS_WAITING });
  // Matches no password: its tag is random. It makes "no such user" cost one run like any other answer.
  const nobody: PasswordHash = { ...cost, salt: randomBytes(SALT_BYTES), tag: randomBytes(TAG_BYTES) };

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const tag = await queue.run(() => argon2id(password, salt, TAG_BYTES, cost));
      return formatPasswordHash({ ...cost, salt, tag });
    },

    async verify(password, hash) {
      const stored = hash === null ? undefined : parsePasswordHash(hash);
      const { salt, tag, ...storedCost } = stored ?? nobody;
      const computed = await queue.run(() => argon2id(password, salt, tag.length, storedCost));
      return timingSafeEqual(computed, tag) && stored !== undefined;
    },
  };
}

/** RFC 8265 §4.2: the same password typed on another system may come in another Unicode composition. */
function nodeArgon2id(password: string, salt: Buffer, tagBytes: number, cost: PasswordCost): Promise<Buffer> {
  return argon2Async('argon2id', {
    message: password.normalize('NFC'),
    nonce: salt,
    tagLength: tagBytes,
    memory: cost.memoryKiB,
    passes: cost.passes,
    parallelism: cost.parallelism,
  });
}
