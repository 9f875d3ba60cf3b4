/** Time for which lines that follow another are kept to be written together. */
const PAUSE_MS = 20;
/** Characters that are not kept any longer, pause or not. */
const ENOUGH = 64 * 1024;
/** Most characters that wait for a slow destination; beyond it lines are dropped rather than memory used up. */
const MAX_WAITING = 16 * 1024 * 1024;

/** The part of a stream that lines are written to. */
interface Destination {
  /** What was written and has not arrived yet; 0 again at once where writing is synchronous. */
  readonly writableLength: number;
  write(text: string): unknown;
}

/**
 * Lines on their way to one destination. The first after a pause goes at once; those that follow within
 * milliseconds go together, because under load each write costs more than the line. Order is kept, and nothing is
 * handed over while an earlier write is under way, so that whatever still waits can be taken back at the end.
 */
export class LineBuffer {
  readonly #destination: Destination;
  readonly #onDrop: () => void;
  readonly #timer: NodeJS.Timeout;
  #waiting = '';
  #pausing = false;

  /** @param onDrop told of each line that is dropped because too much waits */
  constructor(destination: Destination, onDrop: () => void) {
    this.#destination = destination;
    this.#onDrop = onDrop;
    // Not what keeps a process alive: at its end the owner takes what waits.
    this.#timer = setTimeout(() => this.#afterPause(), PAUSE_MS).unref();
  }

  add(line: string): void {
    if (this.#waiting.length >= ENOUGH && !this.#handOver() && this.#isFull()) return this.#onDrop();
    this.#waiting += `${line}\n`;
    if (this.#pausing) return;
    this.#handOver();
    this.#pause();
  }

  /** Takes back what waits; the caller writes it. */
  take(): string {
    const text = this.#waiting;
    this.#waiting = '';
    return text;
  }

  /** Hands everything over, to wait in the destination if it must. Nothing may be added afterwards. */
  end(): void {
    clearTimeout(this.#timer);
    if (this.#waiting !== '') this.#destination.write(this.take());
  }

  #afterPause(): void {
    this.#pausing = false;
    if (this.#waiting === '') return;
    this.#handOver();
    this.#pause();
  }

  #pause(): void {
    this.#pausing = true;
    this.#timer.refresh();
  }

  /** Whether it could be: not while the destination is busy with an earlier text. */
  #handOver(): boolean {
    if (this.#destination.writableLength > 0) return false;
    this.#destination.write(this.take());
    return true;
  }

  #isFull(): boolean {
    return this.#destination.writableLength + this.#waiting.length > MAX_WAITING;
  }
}
