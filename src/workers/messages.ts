import type { Config } from '../config/config.ts';

/** What the primary tells a worker. The whole configuration: a later worker runs on the same settings as the first. */
export type ToWorker =
  | { readonly do: 'serve'; readonly config: Config }
  /** Sent instead of a signal, which a terminal may already have given to every process of the group. */
  | { readonly do: 'stop' };

/** What a worker tells the primary. */
export type FromWorker =
  | { readonly is: 'started' }
  | { readonly is: 'listening' }
  | { readonly is: 'failed'; readonly reason: string };
