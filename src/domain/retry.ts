/** When something that failed is tried again. */
export interface RetrySchedule {
  /** Longest pause before each further attempt, in seconds. One more attempt than there are pauses. */
  readonly pauses: readonly number[];
}

/** What a receiver may ask for at most. */
const LONGEST_ASKED_MS = 6 * 3_600_000;

/**
 * How long to wait after the failed attempt number `attempt` (from 1), in milliseconds; undefined = give up. Full
 * jitter: any time up to the pause, so that receivers are not met by everybody at once when they are back. `random` is
 * in [0, 1). `askedMs`: what the receiver asked for (Retry-After), honoured up to six hours.
 */
export function pauseAfter(
  { pauses }: RetrySchedule,
  attempt: number,
  random: number,
  askedMs?: number,
): number | undefined {
  const pause = pauses[attempt - 1];
  if (pause === undefined) return undefined;
  const jittered = Math.floor(random * pause * 1000);
  return Math.max(jittered, Math.min(Math.max(askedMs ?? 0, 0), LONGEST_ASKED_MS));
}
