import type { FeedRow } from './ledger.ts';

/** How far a follower has come in the server's ledger, and by which row it knows the ledger again. */
export interface Place {
  /** Everything up to here is known. */
  readonly sequence: number;
  /** Where to ask from so that the last row that is known comes once more. */
  readonly beforeLast: number;
  /** Whether what comes after `beforeLast` is of the ledger that was followed: it begins with that row. */
  isIn(rows: readonly FeedRow[]): boolean;
  moveTo(sequence: number, row: FeedRow | undefined): void;
  /** Nothing of the ledger is known. */
  forget(): void;
}

export function createPlace(): Place {
  let sequence = 0;
  let last: FeedRow | undefined;

  return {
    get sequence() {
      return sequence;
    },
    get beforeLast() {
      return last ? last[0] - 1 : sequence;
    },
    isIn: ([first]) => !last || last.every((member, i) => first?.[i] === member),
    moveTo(to, row) {
      sequence = to;
      last = row ?? last;
    },
    forget() {
      sequence = 0;
      last = undefined;
    },
  };
}
