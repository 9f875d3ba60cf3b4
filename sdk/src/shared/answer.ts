/** What a server of ours answered, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined when the answer holds none. */
  readonly body: unknown;
}
