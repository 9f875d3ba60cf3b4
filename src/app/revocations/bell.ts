/** Wakes one who waits. A ring that comes while nobody waits is not lost: the next one who asks hears it. */
export interface Bell {
  ring(): void;
  /** How often it has rung. */
  rings(): number;
  /** Until it has rung more often than `heard`, or `ms` milliseconds are over. */
  wait(ms: number, heard: number): Promise<void>;
}

export function createBell(): Bell {
  let rings = 0;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rings += 1;
      wake?.();
    },
    rings: () => rings,
    wait(ms, heard) {
      if (rings > heard) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(done, ms);
        function done(): void {
          clearTimeout(timer);
          wake = undefined;
          resolve();
        }
        wake = done;
      });
    },
  };
}
