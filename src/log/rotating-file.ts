import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  statSync,
  write,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { nextArchive, tendArchives } from './archives.ts';
import { LineMemory } from './line-memory.ts';
import { wholeLines } from './whole-lines.ts';

const writeTo = promisify(write);
const NOTHING = Buffer.alloc(0);
const LINE_END = Buffer.from('\n');
/** Longest wait, before the process ends, for a write under way. */
const SETTLE_MS = 200;

export interface RotatingFileOptions {
  directory: string;
  /** The file being written is `<name>.log`. */
  name: string;
  /** Size in bytes at which the file is put aside; a single longer line still gets a file of its own. */
  maxBytes: number;
  /** Age in days at which files put aside are deleted. */
  maxDays: number;
  compress: boolean;
  now: () => Date;
  /** Told of a failure to write, rotate or compress. Logging goes on as soon as it can. */
  onProblem: (problem: Error) => void;
}

/**
 * An append-only file that keeps its name: when full, or at midnight UTC, what it held is renamed to
 * `<name>-<day>.<n>.log` and a new file begun. Lines stay whole and in order. A failing disk never fails the
 * stream: lines that cannot be written are given up and reported. A chunk is one or more whole lines.
 */
export class RotatingFile extends Writable {
  readonly #options: RotatingFileOptions;
  readonly #path: string;
  /** Of the lines that are being written. */
  readonly #memory = new LineMemory();
  #fd: number | undefined;
  #size = 0;
  /** Whether what is there ends within a line: the disk was full, or the process was killed. */
  #torn = false;
  /** Size of the file once the write under way has arrived; undefined when none is. */
  #arriving: number | undefined;
  /** What was given to this file and is not being written yet. */
  #rest: Buffer = NOTHING;
  #day = '';
  #tending: Promise<void> = Promise.resolve();

  /** @throws the file system's error when the file cannot be opened */
  constructor(options: RotatingFileOptions) {
    super({ decodeStrings: false, autoDestroy: false });
    this.#options = options;
    this.#path = join(options.directory, `${options.name}.log`);
    this.#open();
    if (this.#isDue()) this.#rotate();
    else this.#tend();
  }

  /** Puts the file aside if its day is over and deletes what is too old, so that a quiet log does both, too. */
  tick(): void {
    if (this.writableLength === 0 && this.#isDue()) this.#attempt(() => this.#rotate());
    else this.#tend();
  }

  /** Writes what is waiting, closes the file and waits for compression and deletion under way. */
  async finish(): Promise<void> {
    await new Promise<void>((resolve) => this.end(resolve));
    await this.#tending;
  }

  /**
   * Before the process ends, when nothing asynchronous happens any more: writes synchronously what waits, then `text`.
   */
  writeNow(text: string): void {
    this.#attempt(() => this.#settle());
    this.#rest = Buffer.concat([this.#rest, Buffer.from(text)]);
    while (this.#rest.length > 0) this.#attempt(() => this.#writeAllNow(this.#next()));
  }

  override _write(lines: string, _encoding: BufferEncoding, done: () => void): void {
    void this.#append(this.#memory.encode(lines)).finally(done);
  }

  override _final(done: () => void): void {
    this.#attempt(() => this.#close());
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#attempt(() => this.#close());
    done(error);
  }

  /** Never rejects. */
  async #append(lines: Buffer): Promise<void> {
    this.#rest = lines;
    while (this.#rest.length > 0) {
      try {
        await this.#writeAll(this.#next());
      } catch (error) {
        this.#attempt(() => this.#close());
        this.#report(error as Error);
      }
    }
  }

  /** As many of the lines that wait as fit into the file, after rotating it if not even one does. */
  #next(): Buffer {
    if (this.#isDue(wholeLines(this.#rest, 0))) this.#attempt(() => this.#rotate());
    // Closed where rotating failed: then all goes into the file as it is, rather than trying again for each line.
    const room = this.#fd === undefined ? Infinity : this.#options.maxBytes - this.#size;
    const length = wholeLines(this.#rest, room);
    const portion = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return portion;
  }

  async #writeAll(lines: Buffer): Promise<void> {
    const fd = this.#openFd();
    const data = this.#apart(lines);
    this.#arriving = this.#size + data.length;
    try {
      for (let done = 0; done < data.length; ) {
        const { bytesWritten: written } = await writeTo(fd, data, done, data.length - done);
        done += written;
        this.#size += written;
      }
    } finally {
      this.#arriving = undefined;
    }
  }

  #writeAllNow(lines: Buffer): void {
    const fd = this.#openFd();
    const data = this.#apart(lines);
    for (let done = 0; done < data.length; ) {
      const written = writeSync(fd, data, done);
      done += written;
      this.#size += written;
    }
  }

  /** The lines, so that the first does not become part of a torn one. */
  #apart(lines: Buffer): Buffer {
    if (!this.#torn) return lines;
    this.#torn = false;
    return Buffer.concat([LINE_END, lines]);
  }

  /** Lets the write under way arrive before later lines: another thread does it. */
  #settle(): void {
    const fd = this.#fd;
    const arriving = this.#arriving;
    if (fd === undefined || arriving === undefined) return;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const deadline = performance.now() + SETTLE_MS;
    while (fstatSync(fd).size < arriving && performance.now() < deadline) Atomics.wait(pause, 0, 0, 1);
  }

  /** Whether the file must be put aside before the `next` bytes. Never an empty one. */
  #isDue(next = 0): boolean {
    if (this.#fd === undefined || this.#size === 0) return false;
    return this.#size + next > this.#options.maxBytes || this.#day !== this.#today();
  }

  #today(): string {
    return this.#options.now().toISOString().slice(0, 10);
  }

  #openFd(): number {
    const fate = this.#fd === undefined ? undefined : fateOf(this.#fd, this.#path);
    if (fate !== undefined) {
      this.#report(new Error(`${fate} while it was written; a new one is begun`));
      this.#close();
    }
    return this.#fd ?? this.#open();
  }

  #open(): number {
    mkdirSync(this.#options.directory, { recursive: true });
    const fd = openSync(this.#path, 'a+', 0o640);
    const { size, mtime } = fstatSync(fd);
    this.#fd = fd;
    this.#size = size;
    this.#torn = size > 0 && !endsLine(fd, size);
    this.#day = size > 0 ? mtime.toISOString().slice(0, 10) : this.#today();
    return fd;
  }

  #close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #rotate(): void {
    const { directory, name } = this.#options;
    this.#close(); // First, so that the next line opens the file anew if any of the rest fails.
    const archive = nextArchive(name, this.#day, readdirSync(directory));
    renameSync(this.#path, join(directory, archive));
    this.#open();
    this.#tend();
  }

  /** One at a time, behind the writing. */
  #tend(): void {
    const { directory, name, maxDays, compress, now } = this.#options;
    this.#tending = this.#tending
      .then(() => tendArchives(directory, name, { maxDays, compress, now: now() }))
      .catch((error: Error) => this.#report(error));
  }

  /** A file given up by destroy() has nobody left to tell. */
  #report(problem: Error): void {
    if (!this.destroyed) this.#options.onProblem(problem);
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#report(error as Error);
    }
  }
}

/** What somebody else has done with an open file; undefined where it still has its name. */
function fateOf(fd: number, path: string): string | undefined {
  const { nlink, ino, dev } = fstatSync(fd);
  if (nlink === 0) return 'the file was removed';
  const named = statSync(path, { throwIfNoEntry: false });
  return named?.ino === ino && named.dev === dev ? undefined : 'another program put the file aside';
}

function endsLine(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  readSync(fd, last, 0, 1, size - 1);
  return last.equals(LINE_END);
}
