/**
 * Finds what has waited too long. One timer for all, so that waiting costs next to nothing; every entry is told within
 * a tenth of the time after it has run out.
 *
 * While this process does not run, because it is starting or the machine is busy, nobody waits for the database: that
 * time is added, until an entry has had twice its own.
 */
export class Patience<T> {
  readonly #ms: number;
  readonly #expired: (entries: readonly T[]) => void;
  /** In the order of their arrival. */
  readonly #waiting = new Map<T, { end: number; readonly last: number }>();
  #timer: NodeJS.Timeout | undefined;

  /** `expired` is told once of each entry that was not ended within `ms` milliseconds. */
  constructor(ms: number, expired: (entries: readonly T[]) => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  begin(entry: T): void {
    const now = performance.now();
    this.#waiting.set(entry, { end: now + this.#ms, last: now + 2 * this.#ms });
    if (this.#timer === undefined) this.#timer = this.#wait(this.#ms);
  }

  end(entry: T): void {
    this.#waiting.delete(entry);
  }

  #wait(ms: number): NodeJS.Timeout {
    const due = performance.now() + ms;
    return setTimeout(() => {
      this.#forgive(performance.now() - due);
      this.#sweep();
    }, ms).unref();
  }

  #forgive(lateMs: number): void {
    const turn = this.#ms / 10;
    if (lateMs < turn) return;
    // And a moment for what arrived meanwhile to be read.
    for (const time of this.#waiting.values()) time.end = Math.min(time.end + lateMs + turn, time.last);
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    const expired: T[] = [];
    let next: number | undefined;
    for (const [entry, { end }] of this.#waiting) {
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
