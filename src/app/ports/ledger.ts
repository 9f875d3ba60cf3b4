import type { Dependency, Revocation } from '../../domain/revocation.ts';

/** `at` is milliseconds since the epoch. */
export interface RecordedRevocation extends Revocation {
  readonly at: number;
  readonly reason: string | null;
  readonly actor: string | null;
}

export interface LedgerReads {
  /** Rows for any of the handles: one indexed query. */
  among(dependencies: readonly Dependency[]): Promise<readonly Revocation[]>;
  /**
   * The ledger in its order: the first `limit` rows after the sequence number `after`, and the last number there is, as
   * of one moment. INVARIANT: rows become visible in the order of their numbers (R14), so none before `head` appears
   * later.
   */
  since(after: number, limit: number): Promise<LedgerPage>;
  /** Every row for one handle with when, why and by whom, lowest epoch first. */
  entries(handle: Pick<Revocation, 'kind' | 'handle'>): Promise<readonly RecordedRevocation[]>;
}

/** A row of the ledger with its place. */
export interface LedgerRow extends Revocation {
  readonly seq: number;
  /** When it was revoked, in milliseconds since the epoch. */
  readonly at: number;
}

export interface LedgerPage {
  readonly rows: readonly LedgerRow[];
  /** 0 while nothing was ever revoked. Never goes down: the last row is kept. */
  readonly head: number;
}
