/** Small batches, so that no request waits for it (design, rule 5.7). */
export interface Cleanup {
  /** What is cleaned up, in an order in which no row waits long for another one to go first. */
  readonly tables: readonly string[];
  /**
   * The time by the one clock that all nodes see, in milliseconds since the epoch; undefined where there is only this
   * node's.
   */
  commonTime(): Promise<number | undefined>;
  /**
   * Removes at most `most` rows of a table, those that ended first among the ones that ended at `from` or later
   * (milliseconds since the epoch). Fewer than `most` are removed when no more are left. `upTo`: when the last one ended.
   */
  removeExpired(
    table: string,
    cutoffs: RetentionCutoffs,
    part: { readonly from: number; readonly most: number },
  ): Promise<{ readonly removed: number; readonly upTo: number }>;
}

/** Rows that ended before these times (milliseconds since the epoch) may go; before `now` by the clock of any node. */
export interface RetentionCutoffs {
  readonly now: number;
  readonly tokens: number;
  readonly tasks: number;
  readonly audit: number;
  readonly webhooks: number;
}
