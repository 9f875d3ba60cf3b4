const MAX_LENGTH = 255;
/** Without a client's authentication, the key alone tells its owner from others on the same network. */
const MIN_LENGTH_ANONYMOUS = 16;

/** A structured string (RFC 9651 §3.3.3): printable ASCII, in which `\` stands before `"` and `\`. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
/** What most clients send: the bare value. No comma, which would be a second field, and no parameter. */
const BARE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;

export type ReadKey =
  | { readonly key: string; readonly fault?: never }
  /** What is wrong with it. */
  | { readonly key?: never; readonly fault: string };

/**
 * The value of the Idempotency-Key field (draft-ietf-httpapi-idempotency-key-header-07 §2.1), with or without its
 * quotes; undefined where there is none.
 */
export function readIdempotencyKey(
  field: string | undefined,
  caller: { readonly anonymous: boolean },
): ReadKey | undefined {
  if (field === undefined) return undefined;
  const key = QUOTED.exec(field)?.[1]?.replace(/\\(["\\])/g, '$1') ?? BARE.exec(field)?.[0];
  if (key === undefined) {
    return { fault: 'Idempotency-Key must be one value of printable ASCII characters, best a UUID' };
  }
  if (key.length < 1 || key.length > MAX_LENGTH) {
    return { fault: `Idempotency-Key must have 1 to ${MAX_LENGTH} characters` };
  }
  if (caller.anonymous && key.length < MIN_LENGTH_ANONYMOUS) {
    return {
      fault: `Idempotency-Key must have at least ${MIN_LENGTH_ANONYMOUS} characters without an access token`,
    };
  }
  return { key };
}

/** What the answers say that were given before. */
export const REPEATED_FIELD = { name: 'Idempotent-Replayed', value: 'true' } as const;

export const KEY_REUSED =
  'the Idempotency-Key was used for another body: every request needs a key of its own';
