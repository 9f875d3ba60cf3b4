/** Bits for each handle: of a thousand handles that were never added, two are taken for one that was. */
const BITS = 16;
const PROBES = 4;
const SMALLEST = 1024;
/** Odd, so that no two states become one by multiplying. */
const FACTORS = [0x01000193, 0x85ebca6b] as const;

/**
 * A set of handles that may take a handle for one of its own, but never misses one (a Bloom filter): two bytes each,
 * whatever their length.
 */
export class HandleFilter {
  readonly capacity: number;
  readonly #bits: Uint32Array;
  #size = 0;

  /** `expected`: how many handles are to be added at once; there is room for as many again. */
  constructor(expected: number) {
    this.capacity = 2 ** Math.ceil(Math.log2(Math.max(2 * expected, SMALLEST)));
    this.#bits = new Uint32Array((this.capacity * BITS) / 32);
  }

  /** With more it would hold ever more that was never added. */
  get isFull(): boolean {
    return this.#size >= this.capacity;
  }

  add(handle: string): void {
    this.#size += 1;
    this.#probe(handle, (word, bit) => {
      this.#bits[word] = (this.#bits[word] ?? 0) | bit;
      return true;
    });
  }

  /** False: it was never added. True: perhaps it was. */
  mayHold(handle: string): boolean {
    return this.#probe(handle, (word, bit) => ((this.#bits[word] ?? 0) & bit) !== 0);
  }

  /** Looks at the places of a handle, until one does not do; whether all did. */
  #probe(handle: string, does: (word: number, bit: number) => boolean): boolean {
    const hash = hashOf(handle);
    const first = mixed(hash);
    // The size is a power of two, so an odd step reaches every place.
    const step = mixed(~hash) | 1;
    const places = this.capacity * BITS;
    for (let i = 0; i < PROBES; i += 1) {
      const place = (first + i * step) & (places - 1);
      if (!does(place >>> 5, 1 << (place & 31))) return false;
    }
    return true;
  }
}

/**
 * A hash of FNV-1a's kind, of every other character apart: a processor multiplies for both at once. In a deep task a
 * hundred handles are looked up for each token.
 */
function hashOf(text: string): number {
  let even = 0x811c9dc5;
  let odd = 0x9747b28c;
  const last = text.length - 1;
  for (let i = 0; i < last; i += 2) {
    even = Math.imul(even ^ text.charCodeAt(i), FACTORS[0]);
    odd = Math.imul(odd ^ text.charCodeAt(i + 1), FACTORS[1]);
  }
  if (last % 2 === 0) even = Math.imul(even ^ text.charCodeAt(last), FACTORS[0]);
  return mixed(even) ^ odd;
}

/** The last step of MurmurHash3. */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}
