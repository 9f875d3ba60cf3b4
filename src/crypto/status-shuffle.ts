import { createHmac } from 'node:crypto';
import type { StatusShuffle } from '../app/ports/status-lists.ts';

/** 2^20 places: one bit each, so 128 KiB before compression. */
export const STATUS_LIST_CAPACITY = 1 << 20;
const HALF_BITS = 10;
const HALF = (1 << HALF_BITS) - 1;
const ROUNDS = 8;

/**
 * A Feistel network over 20 bits, keyed by the list: a number is met by one other and by none twice, and says nothing of
 * how many tokens were issued, nor which were issued together (draft-ietf-oauth-status-list, "Unlinkability").
 */
export function createStatusShuffle(key: Buffer): StatusShuffle {
  return (list, n) => {
    if (!Number.isInteger(n) || n < 0 || n >= STATUS_LIST_CAPACITY)
      throw new RangeError('no place of a list');
    let [left, right] = [n >> HALF_BITS, n & HALF];
    for (let round = 0; round < ROUNDS; round += 1) {
      [left, right] = [right, left ^ mix(key, `${list} ${round} ${right}`)];
    }
    return (left << HALF_BITS) | right;
  };
}

function mix(key: Buffer, input: string): number {
  return createHmac('sha256', key).update(input).digest().readUInt16BE(0) & HALF;
}
