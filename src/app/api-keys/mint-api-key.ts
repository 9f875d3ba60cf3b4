import { type ApiKey, keyPrefix, keyValue } from '../../domain/api-key.ts';
import type { AppContext } from '../context.ts';

/** A key that is shown once: `value` leaves with the answer, only its digest is kept. */
export interface MintedApiKey {
  readonly value: string;
  readonly key: ApiKey;
}

export interface KeyOrder {
  readonly clientId: string;
  readonly name: string;
  /** Seconds; null = does not expire. */
  readonly expiresIn: number | null;
}

/** `tg_<prefix>_<secret>`: 12 public letters and digits, then 256 random bits in base64url. Nothing is stored. */
export function mintApiKey(
  { ids, digests, clock }: Pick<AppContext, 'ids' | 'digests' | 'clock'>,
  { clientId, name, expiresIn }: KeyOrder,
): MintedApiKey {
  const prefix = newPrefix(ids);
  const value = keyValue(prefix, ids.secret());
  const now = clock.now();
  return {
    value,
    key: {
      keyId: `key_${ids.next()}`,
      clientId,
      name,
      prefix,
      digest: digests.sha256(value),
      createdAt: now,
      expiresAt: expiresIn === null ? null : now + expiresIn * 1000,
      revokedAt: null,
      lastUsedAt: null,
      replacedBy: null,
    },
  };
}

/** 43 random characters almost always hold 12 letters and digits. */
function newPrefix(ids: AppContext['ids']): string {
  for (;;) {
    const prefix = keyPrefix(ids.secret());
    if (prefix !== undefined) return prefix;
  }
}
