import type { DependentTask, DependentToken } from '../../domain/revocation.ts';

/** A status list: of tokens that expire between `beginsAt` and `expiresAt`, in milliseconds since the epoch. */
export interface StatusListRow {
  readonly id: string;
  readonly beginsAt: number;
  readonly expiresAt: number;
}

/** A token of a status list, with all that tells whether it is live. */
export interface StatusEntry {
  readonly index: number;
  readonly token: DependentToken;
  readonly task: DependentTask;
}

export interface StatusLists {
  byId(id: string): Promise<StatusListRow | undefined>;
  /**
   * Takes `count` numbers of a list for tokens that expire in that time, and of `list` when none has as many left. The
   * same number is never given twice.
   * @returns the list, and the first number.
   */
  take(
    list: StatusListRow,
    part: { readonly count: number; readonly capacity: number },
  ): Promise<{ readonly id: string; readonly first: number }>;
  /** Tokens of a list that have not expired, in the order of their ends; `after` is the last one of the page before. */
  entries(
    list: StatusListRow,
    page: { readonly now: number; readonly limit: number; readonly after: EntryPlace | undefined },
  ): Promise<{ readonly entries: readonly StatusEntry[]; readonly next: EntryPlace | undefined }>;
}

export interface EntryPlace {
  readonly expiresAt: number;
  readonly tokenId: string;
}

/** Where the status of a token will stand. */
export interface StatusReference {
  readonly list: string;
  readonly index: number;
}

/** Gives each token a place in a status list. */
export interface StatusIndexes {
  /** For a token that expires then (milliseconds since the epoch). */
  next(expiresAt: number): Promise<StatusReference>;
}

/** The place of the n-th token in a list, which tells nobody n. A bijection of 0 … `capacity` − 1 for each list. */
export type StatusShuffle = (list: string, n: number) => number;
