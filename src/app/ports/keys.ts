import type { Told } from '../unit-of-work.ts';

/** A signing key. The private part is encrypted by the caller. Times are milliseconds since the epoch. */
export interface StoredKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly encryptedPrivateJwk: string;
  readonly createdAt: number;
  /** From when it signs: later than its publication, so that every verifier has seen it. */
  readonly activeFrom: number;
  /** Until when it verifies; null while it is the newest. */
  readonly retiresAt: number | null;
}

export interface KeyStore {
  all(): Promise<readonly StoredKey[]>;
  insert(key: StoredKey): Promise<void>;
  retire(kid: string, at: number): Promise<void>;
  remove(kid: string): Promise<void>;
  /** What the audit trail tells of a change. */
  record(told: Told): Promise<void>;
  /** Nobody else, on any node, is in such a piece of work at the same time; it is kept as a whole or not at all. */
  exclusively<T>(work: (keys: KeyStore) => Promise<T>): Promise<T>;
}
