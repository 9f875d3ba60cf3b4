import { promisify } from 'node:util';
import { constants, deflate } from 'node:zlib';
import type { AppContext } from '../app/context.ts';
import type { StatusIndexes } from '../app/ports/status-lists.ts';
import { createStatusIndexes } from '../app/revocations/status-indexes.ts';
import { createStatusListSource, type StatusListSource } from '../app/revocations/status-list.ts';
import type { Config } from '../config/config.ts';
import { deriveKey } from '../crypto/encryption.ts';
import { createStatusShuffle, STATUS_LIST_CAPACITY } from '../crypto/status-shuffle.ts';

const capacity = STATUS_LIST_CAPACITY;

/** Places for the tokens that this process issues. */
export function statusIndexes(
  { store, ids, clock }: Pick<AppContext, 'store' | 'ids' | 'clock'>,
  masterKey: Buffer,
): StatusIndexes {
  const shuffle = createStatusShuffle(deriveKey(masterKey, 'status lists'));
  return createStatusIndexes({ store, ids, clock, shuffle, capacity });
}

/** What lists say; those of tokens that were issued before they were switched off, too. */
export function statusListSource(
  context: AppContext,
  { statusListMaxAge: maxAgeSeconds }: Config['revocations'],
): StatusListSource {
  return createStatusListSource({ context, capacity, maxAgeSeconds, compress });
}

async function compress(bytes: Uint8Array): Promise<string> {
  const compressed = await promisify(deflate)(bytes, { level: constants.Z_BEST_COMPRESSION });
  return compressed.toString('base64url');
}
