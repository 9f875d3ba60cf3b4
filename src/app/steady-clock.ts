import type { Clock } from './ports.ts';

/** How long a clock goes on without a leap before anything is removed by it. */
export const STEADY_MS = 600_000;

/**
 * Answers for how many milliseconds the clock has gone on as time itself, as far as it was asked about, and since this
 * began. A machine may start with a wrong time, and be told the right one minutes later; whatever ended by the wrong one
 * is needed again then.
 * @param leapMs by how much it may differ meanwhile.
 * @param elapsed milliseconds that have passed since any moment, by what nobody sets.
 */
export function steadiness(clock: Clock, leapMs: number, elapsed = () => performance.now()): () => number {
  const begin = () => ({ at: elapsed(), ahead: clock.now() - elapsed() });
  let since = begin();
  return () => {
    if (Math.abs(clock.now() - elapsed() - since.ahead) > leapMs) since = begin();
    return elapsed() - since.at;
  };
}
