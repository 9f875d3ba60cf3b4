import { UnavailableError } from '../app/unavailable.ts';
import type { UnitOfWork } from '../app/unit-of-work.ts';
import { conditionalKeys } from './conditional-keys.ts';
import { Patience } from './patience.ts';

/** A unit on its way, and the request that waits for it. */
export interface Waiting {
  readonly unit: UnitOfWork;
  readonly keys: readonly string[];
  /** Whether the request has its answer: nothing more may be tried for it. */
  readonly answered: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** More wait than the database can take: the caller may try again later. Nothing was read or written. */
export class OverloadedError extends UnavailableError {
  constructor() {
    super('overloaded', 'too many requests are waiting for the database');
  }
}

/**
 * Units in the order of their arrival. Bounded: whoever comes beyond `capacity` is turned away at once, and whoever
 * has waited for `patienceMs` milliseconds is answered then. INVARIANT: a unit that is still in the queue by then
 * leaves it and is never committed; for one that was taken out before, the outcome is unknown.
 */
export class UnitQueue {
  readonly #capacity: number;
  readonly #patience: Patience<Waiting>;
  #waiting: Waiting[] = [];

  constructor(capacity: number, patienceMs: number) {
    this.#capacity = capacity;
    this.#patience = new Patience(patienceMs, (late) => this.#giveUp(late));
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when the unit is committed. @throws UnavailableError when the queue is full or the time is up. */
  add(unit: UnitOfWork): Promise<void> {
    if (this.#waiting.length >= this.#capacity) return Promise.reject(new OverloadedError());
    return new Promise((resolve, reject) => {
      const patience = this.#patience;
      const waiting = {
        unit,
        keys: conditionalKeys(unit),
        answered: false,
        resolve() {
          waiting.answered = true;
          patience.end(waiting);
          resolve();
        },
        reject(error: unknown) {
          waiting.answered = true;
          patience.end(waiting);
          reject(error as Error);
        },
      };
      this.#waiting.push(waiting);
      patience.begin(waiting);
    });
  }

  #giveUp(late: readonly Waiting[]): void {
    const unknown = new UnavailableError('database_unavailable', 'the commit takes too long');
    const never = new UnavailableError('database_unavailable', 'too slow: nothing was committed');
    const inQueue = new Set(this.#waiting);
    for (const waiting of late) waiting.reject(inQueue.has(waiting) ? never : unknown);
    this.#waiting = this.#waiting.filter(({ answered }) => !answered);
  }

  /**
   * Takes the next batch: at most `most` units, no two of which share a conditional key. Those that are passed
   * over keep their place, and nothing with the same key overtakes them.
   */
  take(most: number): readonly Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const taken = new Set<string>();
    let i = 0;
    for (; i < this.#waiting.length && batch.length < most; i += 1) {
      const one = this.#waiting[i] as Waiting;
      (one.keys.some((key) => taken.has(key)) ? left : batch).push(one);
      for (const key of one.keys) taken.add(key);
    }
    this.#waiting = [...left, ...this.#waiting.slice(i)];
    return batch;
  }
}
