import { type CryptoKey, importJWK, importPKCS8, importSPKI, type JWK } from 'jose';
import { TaskgrantError } from '../shared/errors.ts';
import type { JsonWebKey } from '../shared/jwk.ts';

/** What keys between agents may be: P-256, Ed25519, or RSA of 2048 bits and more. */
export type KeyAlgorithm = 'ES256' | 'EdDSA' | 'RS256';

/** A key as people have it: PEM (PKCS #8 or SPKI), a JWK, or a key of WebCrypto. */
export type KeyMaterial = string | JsonWebKey | CryptoKey;

/** A key bound to the one algorithm it is for (RFC 8725 §3.1). */
export interface BoundKey {
  readonly algorithm: KeyAlgorithm;
  readonly key: CryptoKey;
  /** `kid` of a JWK; undefined for PEM and WebCrypto keys. */
  readonly keyId: string | undefined;
}

/** How each algorithm is called in WebCrypto and in RFC 9421 §3.3. */
export const ALGORITHMS = {
  ES256: {
    parameters: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
    signature: 'ecdsa-p256-sha256',
  },
  EdDSA: { parameters: { name: 'Ed25519' }, signature: 'ed25519' },
  RS256: { parameters: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, signature: 'rsa-v1_5-sha256' },
} as const satisfies Record<KeyAlgorithm, { parameters: object; signature: string }>;

const NAMES = Object.keys(ALGORITHMS) as KeyAlgorithm[];
const FEWEST_RSA_BITS = 2048;
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** @throws TaskgrantError `option_invalid` for a public key, and for one of another kind. */
export function privateKeyOf(material: KeyMaterial): Promise<BoundKey> {
  return bound(material, 'private');
}

/** @throws TaskgrantError `option_invalid` for a private key, which has no business here, and for one of another kind. */
export function publicKeyOf(material: KeyMaterial): Promise<BoundKey> {
  return bound(material, 'public');
}

export async function sign({ algorithm, key }: BoundKey, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign(ALGORITHMS[algorithm].parameters, key, data));
}

export function verify(
  { algorithm, key }: Pick<BoundKey, 'algorithm' | 'key'>,
  data: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return crypto.subtle.verify(ALGORITHMS[algorithm].parameters, key, signature, data);
}

type Side = 'private' | 'public';

async function bound(material: KeyMaterial, side: Side): Promise<BoundKey> {
  const found = await read(material, side);
  if (found.key.type !== side) throw unusable(side, `it is ${found.key.type}`);
  if (!isStrong(found.key)) throw unusable(side, `it has fewer than ${FEWEST_RSA_BITS} bits`);
  return found;
}

/** False for RSA keys that are too short (RFC 7518 §3.3). */
export function isStrong({ algorithm }: CryptoKey): boolean {
  const { modulusLength } = algorithm as { modulusLength?: number };
  return modulusLength === undefined || modulusLength >= FEWEST_RSA_BITS;
}

async function read(material: KeyMaterial, side: Side): Promise<BoundKey> {
  if (typeof material === 'string') return fromPem(material, side);
  // What an environment lacks is undefined, whatever the types say.
  if (typeof (material as unknown) !== 'object' || (material as unknown) === null)
    throw unusable(side, 'there is none');
  if (isCryptoKey(material))
    return { algorithm: algorithmOfKey(material, side), key: material, keyId: undefined };
  return fromJwk(material, side);
}

async function fromPem(pem: string, side: Side): Promise<BoundKey> {
  const read = side === 'private' ? importPKCS8 : importSPKI;
  for (const algorithm of NAMES) {
    try {
      return { algorithm, key: await read(pem.trim(), algorithm), keyId: undefined };
    } catch {
      // Of another kind, or no key: the next one, or the error below. The message could quote the key.
    }
  }
  throw unusable(side, 'it is no PEM of a P-256, Ed25519 or RSA key');
}

async function fromJwk(jwk: JsonWebKey, side: Side): Promise<BoundKey> {
  const { kty, crv, alg, use, kid } = jwk;
  const algorithm = algorithmOfJwk(kty, crv);
  if (
    !algorithm ||
    (alg !== undefined && alg !== algorithm && !(alg === 'Ed25519' && algorithm === 'EdDSA'))
  ) {
    throw unusable(side, 'it is neither P-256, Ed25519 nor RSA with SHA-256');
  }
  const isPrivate = PRIVATE_MEMBERS.some((member) => member in jwk);
  if (isPrivate !== (side === 'private')) throw unusable(side, isPrivate ? 'it is private' : 'it is public');
  if (use !== undefined && use !== 'sig') throw unusable(side, 'it is not for signatures');
  const { key_ops: _operations, ext: _extractable, ...bare } = jwk;
  try {
    const key = (await importJWK(bare as JWK, algorithm)) as CryptoKey;
    return { algorithm, key, keyId: typeof kid === 'string' ? kid : undefined };
  } catch {
    throw unusable(side, 'it cannot be imported');
  }
}

function algorithmOfJwk(kty: unknown, crv: unknown): KeyAlgorithm | undefined {
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  if (kty === 'OKP' && crv === 'Ed25519') return 'EdDSA';
  return kty === 'RSA' ? 'RS256' : undefined;
}

function algorithmOfKey({ algorithm }: CryptoKey, side: Side): KeyAlgorithm {
  const { name, namedCurve, hash } = algorithm as {
    name: string;
    namedCurve?: string;
    hash?: { name: string };
  };
  if (name === 'ECDSA' && namedCurve === 'P-256') return 'ES256';
  if (name === 'Ed25519') return 'EdDSA';
  if (name === 'RSASSA-PKCS1-v1_5' && hash?.name === 'SHA-256') return 'RS256';
  throw unusable(side, 'it is neither P-256, Ed25519 nor RSA with SHA-256');
}

function isCryptoKey(material: JsonWebKey | CryptoKey): material is CryptoKey {
  return 'algorithm' in material && 'extractable' in material;
}

function unusable(side: Side, why: string): TaskgrantError {
  return new TaskgrantError('option_invalid', `this is no ${side} key that can be used: ${why}`);
}
