import { createCipheriv, createHash } from 'node:crypto';
import type { StatusShuffle } from '../app/ports/status-lists.ts';

/** 2^20 places: one bit each, so 128 KiB before compression. */
export const STATUS_LIST_CAPACITY = 1 << 20;
const HALF_BITS = 10;
const HALF = (1 << HALF_BITS) - 1;
const ROUNDS = 8;
const BLOCK_BYTES = 16;

/**
 * A Feistel network over 20 bits, keyed by the list: a number is met by one other and by none twice, and says nothing of
 * how many tokens were issued, nor which were issued together (draft-ietf-oauth-status-list-21 §12.5). AES is the round
 * function: one cipher that is kept costs a tenth of an HMAC.
 */
export function createStatusShuffle(key: Buffer): StatusShuffle {
  // One block at a time and every block by itself, as a keyed function and not to hide anything.
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const block = Buffer.alloc(BLOCK_BYTES);
  let filledFor: string | undefined;

  const mix = (round: number, half: number): number => {
    block.writeUInt16BE((round << HALF_BITS) | half, BLOCK_BYTES - 2);
    return cipher.update(block).readUInt16BE(0) & HALF;
  };

  return (list, n) => {
    if (!Number.isInteger(n) || n < 0 || n >= STATUS_LIST_CAPACITY)
      throw new RangeError('no place of a list');
    if (filledFor !== list)
      createHash('sha256')
        .update(list)
        .digest()
        .copy(block, 0, 0, BLOCK_BYTES - 2);
    filledFor = list;
    let [left, right] = [n >> HALF_BITS, n & HALF];
    for (let round = 0; round < ROUNDS; round += 1) {
      [left, right] = [right, left ^ mix(round, right)];
    }
    return (left << HALF_BITS) | right;
  };
}
