/** How long ago the server last proved that a follower knows everything. */
export interface Freshness {
  /** Milliseconds; Infinity before the first proof. */
  age(): number;
  /** An answer showed that nothing is missing: it was made after its question was sent. */
  provenBy(askedAt: number): void;
  /** A stream begins; `askedAt` is when it was asked for. */
  streamBegan(askedAt: number): void;
  /** The stream said that nothing is missing at the moment `at` of the server's clock, in milliseconds. */
  provenAt(at: number): void;
}

/**
 * Never trusts that what arrives was sent just now: something on the way may hold a stream back. Nor are the clocks of
 * both sides compared, only how far each has gone: the first head of a stream was made after the stream was asked for,
 * and a later head as much later as the server's clock says, but not in the future.
 * INVARIANT: the age told is never less than the true one, as long as the server's clock does not jump forward within
 * one stream; followers end a stream after a few minutes, so that clocks which drift apart do not add up.
 */
export function createFreshness(monotonic: () => number): Freshness {
  let proven = -Infinity;
  let askedAt = 0;
  let first: number | undefined;

  return {
    age: () => monotonic() - proven,
    provenBy(asked) {
      proven = Math.max(proven, asked);
    },
    streamBegan(asked) {
      askedAt = asked;
      first = undefined;
    },
    provenAt(at) {
      first ??= at;
      proven = Math.max(proven, Math.min(monotonic(), askedAt + (at - first)));
    },
  };
}
