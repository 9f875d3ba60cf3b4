/** Where the ledger ends: its last row, as one moment saw it. `seq` is 0 and `handle` null while there is none. */
export interface LedgerHead {
  readonly seq: number;
  readonly handle: string | null;
}

/** The columns of a `LedgerHead` in any statement, of the moment that the statement sees. */
export const LEDGER_HEAD = {
  seq: '(SELECT COALESCE(MAX(seq), 0) FROM revocations)',
  handle: '(SELECT handle FROM revocations WHERE seq = (SELECT MAX(seq) FROM revocations))',
} as const;
