/** A place in the line of those who wait. */
export class Wait<T> {
  readonly entry: T | undefined;
  /** When the patience ends, and when it does in any case, however long this process did not run. */
  end: number;
  readonly last: number;
  /** Neighbours in a ring; one that has left is its own. */
  before: Wait<T> = this;
  after: Wait<T> = this;

  constructor(entry: T | undefined, end: number, last: number) {
    this.entry = entry;
    this.end = end;
    this.last = last;
  }

  /** It is over. Again changes nothing. */
  leave(): void {
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this;
    this.after = this;
  }
}

/**
 * Finds what has waited too long. One timer for all, so that waiting costs next to nothing; every entry is told within
 * a tenth of the time after it has run out.
 *
 * While this process does not run, because it is starting or the machine is busy, nobody waits for the database: that
 * time is added, until an entry has had twice its own.
 *
 * A ring, because a Map makes garbage collection dear: when it makes room, its former table goes on holding what it held
 * and points to the next one, so that one table that has become old keeps all later ones alive, with everything that
 * ever waited in them, until the next full collection.
 */
export class Patience<T> {
  readonly #ms: number;
  readonly #expired: (entries: readonly T[]) => void;
  /** In the order of their arrival: the first comes after it, the last before. */
  readonly #ring = new Wait<T>(undefined, 0, 0);
  #timer: NodeJS.Timeout | undefined;

  /** `expired` is told once of each entry that did not leave within `ms` milliseconds. */
  constructor(ms: number, expired: (entries: readonly T[]) => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  begin(entry: T): Wait<T> {
    const now = performance.now();
    const wait = new Wait<T>(entry, now + this.#ms, now + 2 * this.#ms);
    wait.before = this.#ring.before;
    wait.after = this.#ring;
    wait.before.after = wait;
    this.#ring.before = wait;
    if (this.#timer === undefined) this.#timer = this.#wake(this.#ms);
    return wait;
  }

  #wake(ms: number): NodeJS.Timeout {
    const due = performance.now() + ms;
    return setTimeout(() => {
      this.#forgive(performance.now() - due);
      this.#sweep();
    }, ms).unref();
  }

  #forgive(lateMs: number): void {
    const turn = this.#ms / 10;
    if (lateMs < turn) return;
    for (let wait = this.#ring.after; wait !== this.#ring; wait = wait.after) {
      // And a moment for what arrived meanwhile to be read.
      wait.end = Math.min(wait.end + lateMs + turn, wait.last);
    }
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = performance.now();
    const expired: T[] = [];
    for (let first = this.#ring.after; first !== this.#ring; first = this.#ring.after) {
      if (first.end > now) {
        this.#timer = this.#wake(Math.max(first.end - now, this.#ms / 10));
        break;
      }
      expired.push(first.entry as T);
      first.leave();
    }
    if (expired.length > 0) this.#expired(expired);
  }
}
