import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Encryption } from './encryption.ts';

/** Signature algorithms of access and ID tokens (RFC 7518 §3.1, RFC 8037 §3.1). */
export const SIGNING_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const;

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** One key pair. The same object stands for a kid as long as the process lives, so imports can be cached on it. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** With kid, alg and use (RFC 7517 §4). */
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

/** Members of a public key by type (RFC 7518 §6, RFC 8037 §2). An allow-list: a private member cannot slip out. */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
  RSA: ['kty', 'n', 'e'],
};

export async function generateSigningKey(kid: string, algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return fromPrivateJwk(kid, algorithm, await exportJWK(privateKey));
}

/** The private part as the store keeps it; kid and algorithm are authenticated with it. */
export function sealSigningKey(key: SigningKey, encryption: Encryption): string {
  return encryption.encrypt(JSON.stringify(key.privateJwk), contextOf(key.kid, key.algorithm));
}

/**
 * INVARIANT: the public part is taken from the authenticated private one, never from its column: whoever can
 * write to the database still cannot make the server trust another key.
 * @throws DecryptionError when the row was encrypted with another key or changed.
 */
export function openSigningKey(
  row: { readonly kid: string; readonly algorithm: string; readonly encryptedPrivateJwk: string },
  encryption: Encryption,
): SigningKey {
  const { kid, algorithm } = row;
  const text = encryption.decrypt(row.encryptedPrivateJwk, contextOf(kid, algorithm));
  if (!isSigningAlgorithm(algorithm))
    throw new Error(`signing key ${kid} has the unknown algorithm ${algorithm}`);
  return fromPrivateJwk(kid, algorithm, JSON.parse(text) as JWK);
}

function fromPrivateJwk(kid: string, algorithm: SigningAlgorithm, jwk: JWK): SigningKey {
  const members = PUBLIC_MEMBERS[jwk.kty ?? ''];
  if (members === undefined) throw new Error(`signing key ${kid} has an unknown key type`);
  const publicPart = Object.fromEntries(members.map((member) => [member, jwk[member]]));
  const common = { kid, alg: algorithm, use: 'sig' };
  return { kid, algorithm, publicJwk: { ...publicPart, ...common }, privateJwk: { ...jwk, ...common } };
}

function contextOf(kid: string, algorithm: string): string {
  return `signing key ${kid} ${algorithm}`;
}

function isSigningAlgorithm(algorithm: string): algorithm is SigningAlgorithm {
  return (SIGNING_ALGORITHMS as readonly string[]).includes(algorithm);
}
