import { TaskgrantError } from '../shared/errors.ts';
import { type BoundKey, type KeyMaterial, publicKeyOf } from './request-keys.ts';

/**
 * Whose requests are accepted, and by which keys. INVARIANT: names of issuers and keys come from strangers. They are
 * only ever compared with names that are known already; no path, URL or query is made of them.
 */
export interface AuthorizedKeys {
  /**
   * The keys of an issuer; with a key id, only those of that id. Empty when there are none.
   * @throws when the keys cannot be had, which says nothing about the request.
   */
  find(issuer: string, keyId: string | undefined): readonly BoundKey[] | Promise<readonly BoundKey[]>;
}

/** One issuer's key, as the operator of the receiver gives it. */
export interface GivenKey {
  /** The name that the issuer signs with. */
  readonly issuer: string;
  readonly publicKey: KeyMaterial;
  /** Default: `kid` of a JWK, none otherwise. */
  readonly keyId?: string | undefined;
}

const NAME = /^[\x21\x22\x24-\x5b\x5d-\x7e]{1,256}$/;

/** Whether it may name an issuer or a key: printable ASCII without `#`, `\` and spaces, 256 characters at most. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** `keyid` of RFC 9421: the issuer, and its key when it has several: `orchestrator#2026-11`. */
export function keyIdOf(issuer: string, keyId: string | undefined): string {
  return keyId === undefined ? issuer : `${issuer}#${keyId}`;
}

/** The reverse; undefined for a text that is none. */
export function readKeyId(text: string): { issuer: string; keyId: string | undefined } | undefined {
  const [issuer, keyId, ...more] = text.split('#');
  if (!isName(issuer) || (keyId !== undefined && !isName(keyId)) || more.length > 0) return undefined;
  return { issuer, keyId };
}

/** Those of the keys that a request may mean. A request that names no key means any of its issuer. */
export function chosen(
  keys: readonly BoundKey[] | undefined,
  keyId: string | undefined,
): readonly BoundKey[] {
  return (keys ?? []).filter((key) => keyId === undefined || key.keyId === keyId);
}

/** Keys that are written down in the receiver's own code or settings. @throws TaskgrantError `option_invalid` */
export async function keysGiven(given: readonly GivenKey[]): Promise<AuthorizedKeys> {
  const byIssuer = new Map<string, BoundKey[]>();
  for (const { issuer, publicKey, keyId } of given) {
    if (!isName(issuer) || (keyId !== undefined && !isName(keyId))) {
      throw new TaskgrantError(
        'option_invalid',
        'issuers and key ids are printable ASCII without # and spaces',
      );
    }
    const key = await publicKeyOf(publicKey);
    byIssuer.set(issuer, [...(byIssuer.get(issuer) ?? []), { ...key, keyId: keyId ?? key.keyId }]);
  }
  return { find: (issuer, keyId) => chosen(byIssuer.get(issuer), keyId) };
}

/** Several sources as one: the first that knows the key answers. */
export function keysOf(...sources: readonly AuthorizedKeys[]): AuthorizedKeys {
  return {
    async find(issuer, keyId) {
      for (const source of sources) {
        const found = await source.find(issuer, keyId);
        if (found.length > 0) return found;
      }
      return [];
    },
  };
}
