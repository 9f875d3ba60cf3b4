import { NotStructured, parseDictionary, serializeBytes } from './structured-fields.ts';

/** RFC 9530 §5: the algorithms for where an adversary is at work, by their names in WebCrypto. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'SHA-256'],
  ['sha-512', 'SHA-512'],
]);

/** The value of `Content-Digest` (RFC 9530 §2) of a body; an empty body has one too. */
export async function contentDigest(body: Uint8Array<ArrayBuffer>): Promise<string> {
  return `sha-256=${serializeBytes(new Uint8Array(await crypto.subtle.digest('SHA-256', body)))}`;
}

/**
 * Whether the body is the one of the digest. Unknown algorithms are passed over, every known one must be right, and one
 * must be known.
 * @throws NotStructured when the field is no digest.
 */
export async function digestMatches(field: string, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
  let known = 0;
  for (const [name, member] of parseDictionary(field)) {
    const algorithm = ALGORITHMS.get(name);
    if (algorithm === undefined) continue;
    if (!('value' in member) || !(member.value instanceof Uint8Array))
      throw new NotStructured('a digest is bytes');
    known += 1;
    if (!sameBytes(member.value, new Uint8Array(await crypto.subtle.digest(algorithm, body)))) return false;
  }
  return known > 0;
}

/** In a time that tells nothing about where two values differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
