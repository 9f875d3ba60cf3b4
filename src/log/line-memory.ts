/** Memory grows by so many bytes. */
const STEP = 64 * 1024;
/** Text of more bytes than this gets memory of its own. */
const MOST_KEPT = 16 * STEP;

/**
 * Lines as bytes, in memory that is used again for the next ones. A buffer for each write would outlive many of V8's
 * small collections while it is being written; V8 would take it for old and keep it until the next full one.
 */
export class LineMemory {
  #memory: Buffer = Buffer.alloc(0);

  /** @returns the text in UTF-8, valid until the next call */
  encode(text: string): Buffer {
    const length = Buffer.byteLength(text);
    if (length > MOST_KEPT) return Buffer.from(text);
    if (length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(Math.ceil(length / STEP) * STEP);
    return this.#memory.subarray(0, this.#memory.write(text));
  }
}
