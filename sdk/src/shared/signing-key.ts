import type { CryptoKey, CryptoKeyPair, JsonWebKey } from './jwk.ts';

/** A private key, from WebCrypto or as a JWK (RFC 7517). P-256, Ed25519 or RSA. */
export type PrivateKey = CryptoKey | JsonWebKey;

/** A private key that is ready to sign. */
export interface Signer {
  readonly alg: string;
  readonly kid: string | undefined;
  sign(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer>;
}

const HASH = 'SHA-256';
const KINDS = 'it is neither P-256, Ed25519 nor RSA with SHA-256';
const EC = { name: 'ECDSA', namedCurve: 'P-256' };

/** RFC 7518 §3.1 and RFC 8037: how each algorithm is called in WebCrypto. */
const PARAMETERS = {
  ES256: { ...EC, hash: HASH },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: HASH },
  PS256: { name: 'RSA-PSS', hash: HASH, saltLength: 32 },
} as const;
type Algorithm = keyof typeof PARAMETERS;

/** @throws TypeError for a key of any other kind, and for a public one. */
export async function signerOf(key: PrivateKey, keyId?: string): Promise<Signer> {
  const given = isCryptoKey(key) ? undefined : key;
  const alg = given ? algorithmOf(given) : algorithmNamed((key as CryptoKey).algorithm);
  const signing = given ? await importKey(given, alg) : (key as CryptoKey);
  if (signing.type !== 'private') throw new TypeError('it is not private');
  return {
    alg,
    kid: keyId ?? given?.kid,
    sign: (bytes) => crypto.subtle.sign(PARAMETERS[alg], signing, bytes),
  };
}

/** A fresh P-256 pair whose private key cannot leave the runtime. */
export function newKeyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(EC, false, ['sign', 'verify']);
}

/** The public members alone, whatever the key holds besides. @throws TypeError for a private key. */
export async function publicJwk(key: CryptoKey): Promise<JsonWebKey> {
  if (key.type !== 'public') throw new TypeError('its public half is missing');
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', key);
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as JsonWebKey;
}

function isCryptoKey(key: PrivateKey): key is CryptoKey {
  return 'algorithm' in key && 'extractable' in key;
}

function algorithmOf({ kty, crv, alg }: JsonWebKey): Algorithm {
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  if (kty === 'RSA') return alg === 'PS256' ? 'PS256' : 'RS256';
  throw new TypeError(KINDS);
}

function algorithmNamed({ name, ...of }: CryptoKey['algorithm']): Algorithm {
  const found = (Object.keys(PARAMETERS) as Algorithm[]).find((alg) => PARAMETERS[alg].name === name);
  const { namedCurve, hash } = of as { namedCurve?: string; hash?: { name: string } };
  if (!found || (hash && hash.name !== HASH) || (namedCurve && namedCurve !== EC.namedCurve)) {
    throw new TypeError(KINDS);
  }
  return found;
}

async function importKey(key: JsonWebKey, alg: Algorithm): Promise<CryptoKey> {
  try {
    const { key_ops: _operations, use: _use, alg: _alg, ...bare } = key;
    return await crypto.subtle.importKey('jwk', bare, PARAMETERS[alg], false, ['sign']);
  } catch {
    // The runtime's message could quote a member of the key.
    throw new TypeError('it cannot be imported as a private key');
  }
}
