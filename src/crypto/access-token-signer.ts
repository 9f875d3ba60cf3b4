import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type { ProtectedHeaderParameters } from 'jose';
import type { AccessTokenSigner } from '../app/ports.ts';
import { createJwsSigner } from './jws.ts';
import type { Keyring } from './keyring.ts';
import { oncePerKey } from './once-per-key.ts';
import type { SigningKey } from './signing-key.ts';
import { readUtf8 } from '../domain/utf8.ts';

export interface AccessTokenSignerParts {
  readonly keyring: Pick<Keyring, 'current' | 'find'>;
  /** `iss` of every token. */
  readonly issuer: string;
}

type Claims = Record<string, unknown>;

/** RFC 9068 §2.1, and the long form that §4 lets a verifier accept. */
const TYPE = 'at+jwt';
const TYPES: ReadonlySet<unknown> = new Set([TYPE, `application/${TYPE}`]);
/** Characters; a token beyond it does not fit into a request header either. */
const MAX_LENGTH = 16 * 1024;
/** Characters of the payload where we write the `jti`, before all that grows with the depth of a task; a multiple of 4. */
const SEARCHED_FIRST = 1024;
/** RFC 7515 §3.1: three parts of base64url. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)$/;

/**
 * Signs JWT access tokens (RFC 9068) and recognises our own. `verify` answers claims of expired tokens too: the
 * caller decides on time and the ledger. It answers undefined for everything else, and throws only when a key must be
 * looked for and the store does not answer: that says nothing about the token.
 */
export function createAccessTokenSigner({ keyring, issuer }: AccessTokenSignerParts): AccessTokenSigner {
  const sign = createJwsSigner(TYPE);
  const headerOf = headerReader();
  const tokenIdIn = tokenIdReader(issuer);
  const publicKeyOf = oncePerKey((key) => importJWK(key.publicJwk, key.algorithm));

  const keyOf = (token: string): Promise<SigningKey | undefined> | undefined => {
    const header = isShort(token) ? headerOf(token) : undefined;
    return header && trustedKey(header, keyring);
  };
  const read = async (token: string, key: SigningKey): Promise<Claims | undefined> => {
    const { payload } = await compactVerify(token, await publicKeyOf(key), { algorithms: [key.algorithm] });
    return claimsIn(payload, issuer);
  };

  return {
    sign: async (claims) => sign(keyring.current(), JSON.stringify({ ...claims, iss: issuer })),

    async tokenIdOf(token) {
      if (!(await keyOf(token))) return undefined;
      const [from, to] = [token.indexOf('.') + 1, token.lastIndexOf('.')];
      const decoded = (end: number) => Buffer.from(token.slice(from, end), 'base64url');
      const start = decoded(Math.min(from + SEARCHED_FIRST, to)).toString('latin1');
      return tokenIdIn(start) ?? idOf(claimsIn(decoded(to), issuer));
    },

    async verify(token) {
      const key = isCompact(token) ? await keyOf(token) : undefined;
      return key && read(token, key).catch(() => undefined);
    },
  };
}

/**
 * The key comes from our keyring by its kid alone: `jwk`, `jku` and `x5u` of the token are not looked at. The
 * token's `alg` must be the one of that key (RFC 8725 §3.1), so an RSA or EC key never becomes an HMAC secret.
 * No critical extension is understood, so any is refused (RFC 7515 §4.1.11).
 */
async function trustedKey(
  header: ProtectedHeaderParameters,
  keyring: Pick<Keyring, 'find'>,
): Promise<SigningKey | undefined> {
  if (!TYPES.has(header.typ) || 'crit' in header || typeof header.kid !== 'string') return undefined;
  const key = await keyring.find(header.kid);
  return key !== undefined && key.algorithm === header.alg ? key : undefined;
}

/** Reads the protected header of a token. All tokens of one key begin alike, so the last one is remembered. */
function headerReader(): (token: string) => ProtectedHeaderParameters | undefined {
  let last: { readonly text: string; readonly header: ProtectedHeaderParameters } | undefined;
  return (token) => {
    const text = token.slice(0, token.indexOf('.'));
    if (last?.text === text) return last.header;
    try {
      const header = decodeProtectedHeader(token);
      // A copy: a part of a text would keep the whole token in memory.
      last = { text: Buffer.from(text, 'latin1').toString('latin1'), header };
      return header;
    } catch {
      return undefined;
    }
  };
}

function isShort(token: unknown): token is string {
  return typeof token === 'string' && token.length <= MAX_LENGTH;
}

function isCompact(token: string): boolean {
  const signature = COMPACT.exec(token)?.[1];
  // The signature's own encoding is not signed: bits that decoding ignores would make variants of one token.
  return signature !== undefined && Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

/**
 * Finds the `jti` of a payload as we write them, without reading all that a deep lineage holds; undefined for any other.
 * The issuer comes first, and within a text of JSON no quotation mark stands without a backslash.
 */
function tokenIdReader(issuer: string): (payload: string) => string | undefined {
  const start = Buffer.from(`{"iss":${JSON.stringify(issuer)},`, 'utf8').toString('latin1');
  return (payload) => (payload.startsWith(start) ? /"jti":"([A-Za-z0-9_-]+)"/.exec(payload)?.[1] : undefined);
}

function idOf(claims: Claims | undefined): string | undefined {
  return typeof claims?.['jti'] === 'string' ? claims['jti'] : undefined;
}

/** What the payload says, if it is an object that names us as its issuer. */
function claimsIn(payload: Uint8Array, issuer: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(readUtf8(payload));
    return isObject(claims) && claims['iss'] === issuer ? claims : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
