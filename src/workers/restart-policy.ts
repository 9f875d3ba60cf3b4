/** A worker that lives shorter than this, in milliseconds, died right after its start. */
export const EARLY_MS = 10_000;
/** So many early deaths of one worker in a row, while no other works, and starting it again is pointless. */
const MOST_EARLY = 5;
/** The same for a start that has never worked: then it is the port or the settings. */
const MOST_AT_FIRST = 2;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;

export interface Death {
  /** Early deaths of this worker in a row, this one included; 0 = it had worked for a while. */
  readonly early: number;
  /** Whether another worker has been working for a while: then the port and the settings are right. */
  readonly othersWork: boolean;
  /** Whether all workers have listened at least once. */
  readonly everUp: boolean;
}

/** How long to wait before the worker is replaced, in milliseconds, or that it is not worth it. */
export function afterDeath({ early, othersWork, everUp }: Death): number | 'give up' {
  if (early === 0) return 0;
  if (early >= (everUp ? MOST_EARLY : MOST_AT_FIRST) && !othersWork) return 'give up';
  return Math.min(FIRST_WAIT_MS * 2 ** (early - 1), LONGEST_WAIT_MS);
}
