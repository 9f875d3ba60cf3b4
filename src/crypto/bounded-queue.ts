import { UnavailableError } from '../domain/unavailable.ts';

/** More work is waiting than the queue may hold. Boundaries answer it as "try again later" (HTTP 503). */
export class QueueFullError extends UnavailableError {
  constructor() {
    super('overloaded', 'too many requests wait for this work');
  }
}

export interface BoundedQueue {
  /**
   * Runs the work when a place is free, in the order of the calls.
   * @throws QueueFullError at once, without running it, when too many already wait.
   */
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** At most `atOnce` pieces of work run and at most `waiting` wait. */
export function createBoundedQueue(limits: { atOnce: number; waiting: number }): BoundedQueue {
  const waiting: (() => void)[] = [];
  let running = 0;

  const enter = (): Promise<void> | undefined => {
    if (running < limits.atOnce) {
      running += 1;
      return undefined;
    }
    if (waiting.length >= limits.waiting) throw new QueueFullError();
    return new Promise((resolve) => waiting.push(resolve));
  };

  const leave = (): void => {
    const next = waiting.shift();
    // The place goes straight to the next one, so no newcomer can slip in between.
    if (next === undefined) running -= 1;
    else next();
  };

  return {
    run: async (work) => {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
