/** What is sent to a server over and over: one of `bodies` per request, the same path and headers. */
export interface Workload {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Shared out among the connections, so that each body is used by one of them only. */
  readonly bodies: readonly string[];
  /** An Authorization header for each request, shared out likewise, when it differs; the first of `bodies` is sent then. */
  readonly authorizations?: readonly string[];
  /** A piece of every right answer; an answer without it counts as an error. */
  readonly expect: string;
}

/** One order to the load process: keep `connections` busy with the workload for `seconds`. */
export interface LoadOrder {
  readonly origin: string;
  readonly connections: number;
  readonly seconds: number;
}

/** What came of an order. Latencies in milliseconds. */
export interface LoadResult {
  readonly seconds: number;
  /** Answers with a 2xx status and the expected content. */
  readonly answered: number;
  /** Refused, wrong or missing answers, and broken connections. */
  readonly failed: number;
  /** The first wrong answer or failure, for the report. */
  readonly firstFailure: string | undefined;
  readonly p50: number;
  readonly p99: number;
}

/** Messages to the load process: first the workload, then any number of orders. */
export type ToLoad = { readonly workload: Workload } | { readonly order: LoadOrder };
