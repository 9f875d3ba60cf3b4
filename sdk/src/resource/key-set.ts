import { type CryptoKey, importJWK, type JWK } from 'jose';
import { isName, isRecord } from './access.ts';

/** One public key of the issuer, bound to the one algorithm it is for (RFC 8725 §3.1). */
export interface TrustedKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly key: CryptoKey;
}

/** The issuer's keys as its JWKS document shows them, fetched when needed and never per request. */
export interface KeySet {
  /**
   * The key that a token names. An unknown name costs at most one fetch per cool-down, whoever asks.
   * @throws KeysUnavailable when the keys cannot be had, which says nothing about the token.
   */
  find(kid: string): Promise<TrustedKey | undefined>;
  /** Whether the key is still among those that the issuer shows; false also when that must be asked again first. */
  trusts(key: TrustedKey): boolean;
}

export interface KeySetParts {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly algorithms: readonly string[];
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
}

/** The issuer's keys cannot be fetched, or are none. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** A key that is withdrawn is trusted no longer than this. */
const MAX_AGE_MS = 600_000;
/** From this age on the keys are fetched again beside the requests. */
const REFRESH_AGE_MS = 300_000;
/** Between two fetches for a key name that is not known; and after a fetch that failed. */
const COOL_DOWN_MS = 30_000;
const FAILURE_COOL_DOWN_MS = 1_000;
const TIMEOUT_MS = 5_000;
const MOST_KEYS = 100;

export function createKeySet({ url, fetch, algorithms, monotonic }: KeySetParts): KeySet {
  let keys: ReadonlyMap<string, TrustedKey> = new Map();
  let fetchedAt = -Infinity;
  let failedAt = -Infinity;
  let flight: Promise<void> | undefined;

  const age = () => monotonic() - fetchedAt;
  const reload = (): Promise<void> => {
    flight ??= load().finally(() => (flight = undefined));
    return flight;
  };
  /** Not at once after a failure, of which everybody is told who asks meanwhile. */
  const reloadAgain = async (): Promise<void> => {
    if (!flight && monotonic() - failedAt < FAILURE_COOL_DOWN_MS) {
      throw new KeysUnavailable('the keys of the issuer could not be fetched a moment ago');
    }
    await reload();
  };
  async function load(): Promise<void> {
    const began = monotonic();
    try {
      keys = await readKeys(await fetchDocument(fetch, url), algorithms, keys);
      fetchedAt = began;
    } catch (cause) {
      failedAt = monotonic();
      throw new KeysUnavailable('the keys of the issuer cannot be fetched', { cause });
    }
  }
  const refreshInTime = () => {
    const due = age() > REFRESH_AGE_MS && monotonic() - failedAt > COOL_DOWN_MS;
    // One that fails is told when the keys are too old to be used.
    if (due) reload().catch(() => undefined);
  };

  return {
    async find(kid) {
      if (age() > MAX_AGE_MS) await reloadAgain();
      refreshInTime();
      const known = keys.get(kid);
      if (known || age() < COOL_DOWN_MS) return known;
      await reloadAgain();
      return keys.get(kid);
    },
    trusts(key) {
      refreshInTime();
      return age() <= MAX_AGE_MS && keys.get(key.kid) === key;
    },
  };
}

async function fetchDocument(fetch: KeySetParts['fetch'], url: string): Promise<unknown> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) throw new Error(`the key set answered ${response.status}`);
  return response.json();
}

/** Keys that are shown unchanged stay the very same objects: what was verified with them stays verified. */
async function readKeys(
  document: unknown,
  algorithms: readonly string[],
  before: ReadonlyMap<string, TrustedKey>,
): Promise<ReadonlyMap<string, TrustedKey>> {
  const list = isRecord(document) ? document['keys'] : undefined;
  if (!Array.isArray(list) || list.length > MOST_KEYS) throw new Error('the key set is none');
  const found = new Map<string, TrustedKey>();
  for (const jwk of list as unknown[]) {
    const key = isRecord(jwk) ? await readKey(jwk, algorithms) : undefined;
    if (key) found.set(key.kid, sameAsBefore(before.get(key.kid), key));
  }
  return found;
}

interface ReadKey extends TrustedKey {
  readonly material: string;
}

function sameAsBefore(known: TrustedKey | undefined, key: ReadKey): TrustedKey {
  return (known as ReadKey | undefined)?.material === key.material && known ? known : key;
}

/** INVARIANT: only public keys for signatures, each for one algorithm; a symmetric key is never taken from the network. */
async function readKey(
  jwk: Record<string, unknown>,
  algorithms: readonly string[],
): Promise<ReadKey | undefined> {
  const { kid, use, kty, crv, n, x, y } = jwk;
  const algorithm = jwk['alg'] ?? algorithmOf(kty, crv);
  if (!isName(kid) || !isName(algorithm) || !algorithms.includes(algorithm)) return undefined;
  if (!isName(kty) || kty === 'oct' || (use !== undefined && use !== 'sig') || 'd' in jwk) return undefined;
  try {
    const key = await importJWK(jwk as JWK, algorithm);
    if (key instanceof Uint8Array) return undefined;
    return { kid, algorithm, key, material: JSON.stringify([algorithm, kty, crv, n, jwk['e'], x, y]) };
  } catch {
    // One key that this runtime does not know leaves the others usable.
    return undefined;
  }
}

function algorithmOf(kty: unknown, crv: unknown): string | undefined {
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  return kty === 'RSA' ? 'RS256' : undefined;
}
