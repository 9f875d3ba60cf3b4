import type { UnitOfWork } from '../app/unit-of-work.ts';
import { conditionalKeys } from './conditional-keys.ts';

/** A unit on its way, and the request that waits for it. */
export interface Waiting {
  readonly unit: UnitOfWork;
  readonly keys: readonly string[];
  resolve(): void;
  reject(error: unknown): void;
}

/** More units wait than the database can take: the caller may try again later. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';

  constructor() {
    super('too many writes are waiting for the database');
  }
}

/** Units in the order of their arrival. Bounded: whoever comes beyond `capacity` is turned away at once. */
export class UnitQueue {
  readonly #capacity: number;
  #waiting: Waiting[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when the unit is committed. @throws OverloadedError when the queue is full. */
  add(unit: UnitOfWork): Promise<void> {
    if (this.#waiting.length >= this.#capacity) return Promise.reject(new OverloadedError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ unit, keys: conditionalKeys(unit), resolve, reject });
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
    return batch;
  }
}
