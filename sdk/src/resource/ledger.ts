import type { Dependency, HandleKind } from './dependencies.ts';

/** One row of the revocation feed: sequence number, kind, handle and, for agents and users, the new epoch. */
export type FeedRow = readonly [seq: number, kind: HandleKind, handle: string, epoch: number];

/** What was revoked, as far as it can still concern a token. */
export interface Ledger {
  apply(rows: readonly FeedRow[]): void;
  /** Whether something that a token depends on was revoked. */
  ends(dependencies: readonly Dependency[]): boolean;
  /** Another number after every change: what was not ended by then is not ended while it stays the same. */
  readonly revision: number;
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
  const entries: Readonly<Record<HandleKind, Map<string, Entry>>> = {
    token: new Map(),
    token_self: new Map(),
    task: new Map(),
    grant: new Map(),
    agent: new Map(),
    user: new Map(),
  };
  const all = Object.values(entries);
  let revision = 0;

  return {
    apply(rows) {
      const now = monotonic();
      for (const [, kind, handle, epoch] of rows) {
        const known = entries[kind].get(handle);
        entries[kind].delete(handle);
        entries[kind].set(handle, { epoch: Math.max(epoch, known?.epoch ?? 0), until: now + keepMs });
      }
      if (rows.length > 0) revision += 1;
      for (const kind of all) sweep(kind, now);
    },
    ends(dependencies) {
      for (const { kind, handle, epoch } of dependencies) {
        const entry = entries[kind].get(handle);
        if (entry !== undefined && entry.epoch > epoch) return true;
      }
      return false;
    },
    get revision() {
      return revision;
    },
    get size() {
      return all.reduce((sum, { size }) => sum + size, 0);
    },
  };
}

function sweep(entries: Map<string, Entry>, now: number): void {
  for (const [handle, { until }] of entries) {
    if (until > now) return;
    entries.delete(handle);
  }
}
