/** `after` is the cursor returned as `next`; `limit` rows at most. */
export interface Page {
  readonly limit: number;
  readonly after?: string | undefined;
}

export interface Paged<T> {
  /** Before the end there may be fewer than asked for, even none, where a search takes long. */
  readonly items: readonly T[];
  /** Cursor of the next page, or null at the end. */
  readonly next: string | null;
}

/** Rows by their number, for lists that are counted: `limit` of them, the first `offset` skipped. */
export interface Slice {
  readonly offset: number;
  readonly limit: number;
}

export interface Sliced<T> {
  readonly items: readonly T[];
  /** How many there are in all, counted up to 10,000. */
  readonly total: number;
  /** There are more than were counted. */
  readonly truncated: boolean;
}
