import { createKeySet, type KeySet } from '../resource/key-set.ts';
import { elapsedTime } from '../shared/elapsed.ts';
import { TaskgrantError } from '../shared/errors.ts';
import { checkIssuer, isSafe } from '../shared/issuer.ts';
import { type AuthorizedKeys, isName } from './authorized-keys.ts';
import { isStrong, type KeyAlgorithm } from './request-keys.ts';

const ALGORITHMS: readonly KeyAlgorithm[] = ['ES256', 'EdDSA', 'RS256'];

/** How keys are fetched. */
export interface FetchedKeysOptions {
  /** Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Milliseconds that only go forward. Default: the runtime's, and the time that it slept. */
  readonly monotonic?: (() => number) | undefined;
}

/**
 * Keys that each issuer publishes as a JWKS document (RFC 7517): `{ orchestrator: 'https://…/jwks.json' }`. Requests
 * must name their key (`kid`). Documents are kept for 10 minutes and renewed after 5, beside the requests; a key name
 * that is not known costs one fetch in 30 seconds, whoever asks. Issuers that are not listed cost none.
 * @throws TaskgrantError `option_invalid` for a URL without https, unless it is this computer's own.
 */
export function keysFromJwks(
  issuers: Readonly<Record<string, string>>,
  { fetch, monotonic = elapsedTime() }: FetchedKeysOptions = {},
): AuthorizedKeys {
  const sets = new Map<string, KeySet>();
  for (const [issuer, url] of Object.entries(issuers)) {
    if (!isName(issuer))
      throw new TaskgrantError('option_invalid', 'an issuer is printable ASCII without # and spaces');
    if (!URL.canParse(url) || !isSafe(new URL(url))) {
      throw new TaskgrantError('option_invalid', 'keys come from https URLs only');
    }
    const network: typeof globalThis.fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    sets.set(issuer, createKeySet({ url, fetch: network, algorithms: ALGORITHMS, monotonic }));
  }
  return {
    async find(issuer, keyId) {
      const set = sets.get(issuer);
      if (!set || keyId === undefined) return [];
      const found = await set.find(keyId);
      return found && isStrong(found.key)
        ? [{ key: found.key, keyId, algorithm: found.algorithm as KeyAlgorithm }]
        : [];
    },
  };
}

/**
 * Keys that agents registered at the authorization server (`jwks`, RFC 7591 §2), under their client ids. Only the agents
 * that are listed are accepted: that a server knows an agent does not mean that it may call here. The keys of a
 * suspended or deleted agent end with the kept document, in 10 minutes at most; a task token ends at once.
 * @throws TaskgrantError `option_invalid`
 */
export function keysOfAgents(
  issuer: string,
  clientIds: readonly string[],
  options: FetchedKeysOptions = {},
): AuthorizedKeys {
  const base = checkIssuer(issuer);
  const urls = clientIds.map((id) => [id, `${base}/api/agents/${encodeURIComponent(id)}/jwks`] as const);
  return keysFromJwks(Object.fromEntries(urls), options);
}
