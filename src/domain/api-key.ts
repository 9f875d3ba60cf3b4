/**
 * A credential of an agent for the AgentAuth-style endpoints. Times are milliseconds since the epoch; `null` = never.
 * The value is never kept: `digest` is its SHA-256.
 */
export interface ApiKey {
  /** Public random id; never accepted as a key. */
  readonly keyId: string;
  readonly clientId: string;
  readonly name: string;
  /** The public part of the value, by which the row is found. */
  readonly prefix: string;
  readonly digest: string;
  readonly createdAt: number;
  /** From then on it is refused. Ending a key brings this forward, and never puts it off. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** When it was last used, to the minute. */
  readonly lastUsedAt: number | null;
  /** The key that took its place; this one works until `expiresAt`. */
  readonly replacedBy: string | null;
}

const KEY = /^tg_([0-9A-Za-z]{12})_[A-Za-z0-9_-]{43}$/;
const PREFIX_LENGTH = 12;

/** The prefix of a value that has the form of a key, `tg_<prefix>_<secret>`; undefined for anything else. */
export function prefixOfKey(value: string): string | undefined {
  return KEY.exec(value)?.[1];
}

/** `random` is base64url; undefined when it holds too few letters and digits for a prefix. */
export function keyPrefix(random: string): string | undefined {
  const prefix = random.replace(/[^0-9A-Za-z]/g, '').slice(0, PREFIX_LENGTH);
  return prefix.length === PREFIX_LENGTH ? prefix : undefined;
}

export function keyValue(prefix: string, secret: string): string {
  return `tg_${prefix}_${secret}`;
}

export type ApiKeyState = 'active' | 'replaced' | 'expired' | 'revoked';

/** A replaced key still works, until it expires. */
export function apiKeyState(
  key: Pick<ApiKey, 'expiresAt' | 'revokedAt' | 'replacedBy'>,
  now: number,
): ApiKeyState {
  if (key.revokedAt !== null) return 'revoked';
  if (key.expiresAt !== null && key.expiresAt <= now) return 'expired';
  return key.replacedBy === null ? 'active' : 'replaced';
}

export function isUsable(key: Pick<ApiKey, 'expiresAt' | 'revokedAt' | 'replacedBy'>, now: number): boolean {
  const state = apiKeyState(key, now);
  return state === 'active' || state === 'replaced';
}
