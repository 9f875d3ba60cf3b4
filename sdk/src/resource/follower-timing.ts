/** How a follower behaves in time; milliseconds. The server sends a head at least every second. */
export interface FollowerTiming {
  /** A stream that says nothing for so long is cut off. */
  readonly silence: number;
  /** Heads that are so old are held back by something on the way. */
  readonly lag: number;
  /** A stream is asked for anew after so long, give or take a quarter: clocks that drift apart do not add up. */
  readonly streamLife: number;
  /** How long it is polled before a stream is tried again; doubles up to the longest. */
  readonly pollFirst: number;
  readonly pollLongest: number;
  /** Between two polls when the server does not wait itself. */
  readonly pollInterval: number;
  /** Between two attempts to reach the server: doubles up to the longest, with jitter. */
  readonly backoffFirst: number;
  readonly backoffLongest: number;
  /** Between two attempts after the credentials were refused: guessing is rate-limited. */
  readonly refused: number;
  /** For one page. */
  readonly timeout: number;
}

export const FOLLOWER_TIMING: FollowerTiming = {
  silence: 2_500,
  lag: 2_500,
  streamLife: 300_000,
  pollFirst: 30_000,
  pollLongest: 300_000,
  pollInterval: 1_000,
  backoffFirst: 100,
  backoffLongest: 2_000,
  refused: 15_000,
  timeout: 5_000,
};

/** Milliseconds before attempt number `attempt` (0 = the first after a failure), with jitter between half and whole. */
export function backoff(timing: FollowerTiming, attempt: number, random: () => number): number {
  const whole = Math.min(timing.backoffLongest, timing.backoffFirst * 2 ** Math.min(attempt, 20));
  return whole * (0.5 + random() / 2);
}
