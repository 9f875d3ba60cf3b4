import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, write } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { nextArchive, tendArchives } from './archives.ts';

const writeTo = promisify(write);

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
 * stream: lines that cannot be written are given up and reported.
 */
export class RotatingFile extends Writable {
  readonly #options: RotatingFileOptions;
  readonly #path: string;
  #fd: number | undefined;
  #size = 0;
  #day = '';
  #tending: Promise<void> = Promise.resolve();

  /** @throws the file system's error when the file cannot be opened */
  constructor(options: RotatingFileOptions) {
    super({ decodeStrings: true, autoDestroy: false });
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

  override _write(line: Buffer, _encoding: BufferEncoding, done: () => void): void {
    void this.#append([line]).finally(done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    void this.#append(chunks.map(({ chunk }) => chunk)).finally(done);
  }

  override _final(done: () => void): void {
    this.#attempt(() => this.#close());
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#attempt(() => this.#close());
    done(error);
  }

  /** Never rejects. Writes as many lines at once as fit into the file. */
  async #append(lines: readonly Buffer[]): Promise<void> {
    let batch: Buffer[] = [];
    let length = 0;
    for (const line of lines) {
      if (this.#isDue(length, line.length)) {
        await this.#flush(batch);
        batch = [];
        length = 0;
        if (this.#isDue(0, line.length)) this.#attempt(() => this.#rotate());
      }
      batch.push(line);
      length += line.length;
    }
    await this.#flush(batch);
  }

  async #flush(batch: readonly Buffer[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      if (this.#fd === undefined) this.#open();
      await this.#writeAll(Buffer.concat(batch));
    } catch (error) {
      this.#attempt(() => this.#close());
      this.#report(error as Error);
    }
  }

  async #writeAll(data: Buffer): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten: written } = await writeTo(this.#fd as number, data, done, data.length - done);
      done += written;
      this.#size += written;
    }
  }

  /** Whether the file, once `pending` bytes are written, must be put aside before the `next`. Never an empty one. */
  #isDue(pending = 0, next = 0): boolean {
    const filled = this.#size + pending;
    if (this.#fd === undefined || filled === 0) return false;
    return filled + next > this.#options.maxBytes || this.#day !== this.#today();
  }

  #today(): string {
    return this.#options.now().toISOString().slice(0, 10);
  }

  #open(): void {
    mkdirSync(this.#options.directory, { recursive: true });
    const fd = openSync(this.#path, 'a', 0o640);
    const { size, mtime } = fstatSync(fd);
    this.#fd = fd;
    this.#size = size;
    this.#day = size > 0 ? mtime.toISOString().slice(0, 10) : this.#today();
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
