import { UnavailableError } from '../../domain/unavailable.ts';
import type { UnitOfWork } from '../../app/unit-of-work.ts';
import { conditionalKeys } from './conditional-keys.ts';
import { OverloadedError } from '../waiting/overloaded.ts';
import { Patience, type Wait } from '../waiting/patience.ts';
import { shareOf } from '../sql/transaction.ts';

/** A unit on its way, and the request that waits for it. */
export interface Waiting {
  readonly unit: UnitOfWork;
  readonly keys: readonly string[];
  /** Whether the request has its answer: nothing more may be tried for it. */
  readonly answered: boolean;
  /** How long it may stay where it is. */
  wait: Wait<Waiting> | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Units in the order of their arrival. Bounded: whoever comes beyond `capacity` is turned away at once, and everybody
 * is answered within `patienceMs` milliseconds. INVARIANT: a unit that is still in the queue after its share
 * of that time leaves it and is never committed. The rest is for its commit; when that takes longer its outcome is
 * unknown, which is rare, because the database itself ends statements before.
 */
export class UnitQueue {
  readonly #capacity: number;
  readonly #queued: Patience<Waiting>;
  readonly #taken: Patience<Waiting>;
  #waiting: Waiting[] = [];

  constructor(capacity: number, patienceMs: number) {
    this.#capacity = capacity;
    this.#queued = new Patience(shareOf(patienceMs, 'queue'), (late) => {
      refuse(late, 'too slow: nothing was committed');
      this.#waiting = this.#waiting.filter(({ answered }) => !answered);
    });
    this.#taken = new Patience(shareOf(patienceMs, 'commit'), (late) =>
      refuse(late, 'the commit takes too long'),
    );
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when the unit is committed. @throws UnavailableError when the queue is full or the time is up. */
  add(unit: UnitOfWork): Promise<void> {
    if (this.#waiting.length >= this.#capacity) return Promise.reject(new OverloadedError());
    return new Promise((resolve, reject) => {
      const answer = () => {
        waiting.answered = true;
        waiting.wait?.leave();
      };
      const waiting: Waiting & { answered: boolean } = {
        unit,
        keys: conditionalKeys(unit),
        answered: false,
        wait: undefined,
        resolve() {
          answer();
          resolve();
        },
        reject(error: Error) {
          answer();
          reject(error);
        },
      };
      this.#waiting.push(waiting);
      waiting.wait = this.#queued.begin(waiting);
    });
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
    for (const waiting of batch) {
      waiting.wait?.leave();
      waiting.wait = this.#taken.begin(waiting);
    }
    return batch;
  }
}

function refuse(late: readonly Waiting[], why: string): void {
  for (const waiting of late) waiting.reject(new UnavailableError('database_unavailable', why));
}
