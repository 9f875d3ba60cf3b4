import { type Dependency, type HandleKind, ledgerKey } from './dependencies.ts';

/** One row of the revocation feed: sequence number, kind, handle and, for agents and users, the new epoch. */
export type FeedRow = readonly [seq: number, kind: HandleKind, handle: string, epoch: number];

/** What was revoked, as far as it can still concern a token. */
export interface Ledger {
  apply(rows: readonly FeedRow[]): void;
  /** Whether something that a token depends on was revoked. */
  ends(dependencies: readonly Dependency[]): boolean;
  readonly size: number;
}

interface Entry {
  readonly epoch: number;
  readonly until: number;
}

/**
 * Rows are dropped once no token can depend on them. The server issues nothing that depends on a revoked handle, so a row
 * concerns only tokens that were issued before it; none of those is accepted for longer than `keepMs` after the row came,
 * where `keepMs` is the longest lifetime that is accepted of a token, and a margin for clocks that differ.
 */
export function createLedger(keepMs: number, monotonic: () => number): Ledger {
  // INVARIANT: in the order of `until`, since every entry is set anew at the end and lives equally long.
  const entries = new Map<string, Entry>();

  const sweep = (now: number) => {
    for (const [key, { until }] of entries) {
      if (until > now) return;
      entries.delete(key);
    }
  };

  return {
    apply(rows) {
      const now = monotonic();
      for (const [, kind, handle, epoch] of rows) {
        const key = ledgerKey(kind, handle);
        const known = entries.get(key);
        entries.delete(key);
        entries.set(key, { epoch: Math.max(epoch, known?.epoch ?? 0), until: now + keepMs });
      }
      sweep(now);
    },
    ends(dependencies) {
      for (const { key, epoch } of dependencies) {
        const entry = entries.get(key);
        if (entry !== undefined && entry.epoch > epoch) return true;
      }
      return false;
    },
    get size() {
      return entries.size;
    },
  };
}
