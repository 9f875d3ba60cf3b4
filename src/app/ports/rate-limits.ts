import type { RatePolicy, RateVerdict } from '../../domain/rate-limit.ts';

/**
 * Counts requests in windows that begin with the first point of a key. `take` never allows more than the limit in one
 * window, whatever the number of nodes. A verdict that is known already comes without waiting.
 */
export interface RateLimiter {
  /** Spends one point, if one is left. */
  take(policy: RatePolicy, key: string): RateVerdict | Promise<RateVerdict>;
  /** The state without spending; what other nodes exhausted is known within 250 ms. */
  look(policy: RatePolicy, key: string): RateVerdict | Promise<RateVerdict>;
  /** Returns one point. */
  giveBack(policy: RatePolicy, key: string): Promise<void>;
  /** The key begins anew. */
  forget(policy: RatePolicy, key: string): Promise<void>;
}

/** Counters that all nodes share; the database's clock decides when a window ends. */
export interface RateCounters {
  /** Takes as many of the wanted points as are left in the window; asked for many keys at once. */
  reserve(wanted: PointsWanted): Promise<PointsReserved>;
  /** Keys of these policies with nothing left, the latest 10,000, each with the milliseconds until it has. */
  exhausted(policies: readonly RatePolicy[]): Promise<readonly ExhaustedKey[]>;
  giveBack(policy: string, key: string): Promise<void>;
  forget(policy: string, key: string): Promise<void>;
}

export interface PointsWanted {
  readonly policy: RatePolicy;
  readonly key: string;
  /** Read when the question is sent. */
  points(): number;
}

export interface PointsReserved {
  readonly granted: number;
  /** Points of the window that are spent or reserved, by all nodes. */
  readonly used: number;
  readonly leftMs: number;
}

export interface ExhaustedKey {
  readonly policy: string;
  readonly key: string;
  readonly leftMs: number;
}
