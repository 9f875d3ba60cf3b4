/** Both clocks of the runtime, in milliseconds. */
export interface Clocks {
  /** Since the epoch; may be set. */
  readonly wall: () => number;
  /** Only goes forward, and stands still while a Linux computer sleeps. */
  readonly steady: () => number;
}

const RUNTIME: Clocks = { wall: () => Date.now(), steady: () => performance.now() };
/** What the wall clock is corrected by, little by little, is no sleep. */
const SHORTEST_SLEEP_MS = 1000;

/**
 * Milliseconds that only go forward, and went on while the computer slept or its virtual machine was stopped: for what
 * must not be taken for fresh afterwards. A wall clock that is set forward counts as sleep.
 */
export function elapsedTime({ wall, steady }: Clocks = RUNTIME): () => number {
  let elapsed = 0;
  let last = { wall: wall(), steady: steady() };
  return () => {
    const now = { wall: wall(), steady: steady() };
    const awake = now.steady - last.steady;
    const slept = now.wall - last.wall - awake;
    elapsed += awake + (slept >= SHORTEST_SLEEP_MS ? slept : 0);
    last = now;
    return elapsed;
  };
}
