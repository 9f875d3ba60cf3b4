import { writeSync } from 'node:fs';
import { LineMemory } from './line-memory.ts';
import { wholeLines } from './whole-lines.ts';

/** A write of so many bytes goes into a pipe as a whole or not at all (PIPE_BUF on Linux). */
const ATOMIC = 4_096;
/** Time after which a full pipe is tried again. */
const RETRY_MS = 5;
/** Longest wait for the reader of a full pipe before the process ends. */
const LAST_MS = 1_000;

const NOTHING = Buffer.alloc(0);

/**
 * Lines to a terminal, file or pipe. Not through process.stdout, which cannot take back what a full pipe did not
 * accept when the process ends. Processes that share a pipe do not tear each other's lines of up to 4 KiB.
 */
export class StandardOutput {
  readonly #fd: number;
  readonly #onProblem: (problem: Error) => void;
  readonly #retry: NodeJS.Timeout;
  readonly #memory = new LineMemory();
  #rest: Buffer = NOTHING;

  /**
   * @param fd should not block where it is a pipe; that of standard output does not once process.stdout was used
   * @param onProblem told of each failure; what was to be written is given up
   */
  constructor(fd: number, onProblem: (problem: Error) => void) {
    this.#fd = fd;
    this.#onProblem = onProblem;
    this.#retry = setTimeout(() => this.#write(), RETRY_MS).unref();
  }

  /** Bytes that a full pipe has not accepted yet. */
  get writableLength(): number {
    return this.#rest.length;
  }

  /** @param text whole lines */
  write(text: string): void {
    // What a full pipe did not take may lie in the memory that the next lines would be put into.
    this.#rest =
      this.#rest.length === 0 ? this.#memory.encode(text) : Buffer.concat([this.#rest, Buffer.from(text)]);
    this.#write();
  }

  /** Waits, without letting anything else happen, until everything is written; after a second gives up and tells. */
  finish(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const deadline = performance.now() + LAST_MS;
    this.#write();
    while (this.#rest.length > 0 && performance.now() < deadline) {
      Atomics.wait(pause, 0, 0, 1);
      this.#write();
    }
    clearTimeout(this.#retry);
    if (this.#rest.length > 0) this.#onProblem(new Error('its reader does not take the last lines'));
    this.#rest = NOTHING;
  }

  #write(): void {
    try {
      while (this.#rest.length > 0) {
        const written = writeSync(this.#fd, this.#rest, 0, wholeLines(this.#rest, ATOMIC));
        this.#rest = this.#rest.subarray(written);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#retry.refresh();
        return;
      }
      this.#rest = NOTHING;
      this.#onProblem(error as Error);
    }
  }
}
