/**
 * Finds what has waited too long. One timer for all, so that waiting costs next to nothing; every entry is told within
 * a tenth of the time after it has run out.
 */
export class Patience<T> {
  readonly #ms: number;
  readonly #expired: (entries: readonly T[]) => void;
  /** In the order of their arrival, with the time at which each runs out. */
  readonly #waiting = new Map<T, number>();
  #timer: NodeJS.Timeout | undefined;

  /** `expired` is told once of each entry that was not ended within `ms` milliseconds. */
  constructor(ms: number, expired: (entries: readonly T[]) => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  begin(entry: T): void {
    this.#waiting.set(entry, performance.now() + this.#ms);
    if (this.#timer === undefined) this.#timer = this.#wait(this.#ms);
  }

  end(entry: T): void {
    this.#waiting.delete(entry);
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#sweep(), ms).unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    const expired: T[] = [];
    let next: number | undefined;
    for (const [entry, end] of this.#waiting) {
      if (end > now) {
        next = end - now;
        break;
      }
      expired.push(entry);
      this.#waiting.delete(entry);
    }
    if (next !== undefined) this.#timer = this.#wait(Math.max(next, this.#ms / 10));
    if (expired.length > 0) this.#expired(expired);
  }
}
