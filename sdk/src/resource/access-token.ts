import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { type Access, readAccess } from './access.ts';
import { type Dependency, dependenciesOf } from './dependencies.ts';
import type { KeySet, TrustedKey } from './key-set.ts';

/** A JWT whose signature, issuer and form are right. Whether it is live is another question, asked at every request. */
export interface VerifiedToken {
  readonly access: Access;
  readonly key: TrustedKey;
  /** Undefined where the claims do not name all of them: only the server can tell then. */
  readonly dependencies: readonly Dependency[] | undefined;
  /** Seconds from `iat` to `exp`. */
  readonly lifetime: number;
  /** The revision of the ledger in which nothing ended it. */
  clearAt?: number | undefined;
  /** Asked once for each token, since what was granted never changes. */
  tools?: Promise<readonly string[] | undefined> | undefined;
}

export interface AccessTokenVerifierParts {
  readonly issuer: string;
  readonly keys: KeySet;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const SIGNATURE = /^[A-Za-z0-9_-]+$/;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** RFC 9068 §2.1, and the long form that §4 lets a verifier accept. */
const TYPE = /^(application\/)?at\+jwt$/i;

/** Whether a value looks like a JWT at all; opaque tokens do not. */
export function isJwt(token: string): boolean {
  return token.includes('.');
}

/**
 * Checks an access token as RFC 9068 §4 says: type, algorithm, signature by the issuer's own key of that name, issuer,
 * form of the claims. The algorithm is the one of the key (RFC 8725 §3.1), and those are an allow-list; keys in the
 * token's own header are not looked at, and no critical extension is understood (RFC 7515 §4.1.11).
 * @returns undefined for what is no token of the issuer
 * @throws KeysUnavailable when the issuer's keys cannot be had
 */
export async function verifyAccessToken(
  { issuer, keys, now }: AccessTokenVerifierParts,
  token: string,
): Promise<VerifiedToken | 'expired' | undefined> {
  const header = isCanonical(token) ? headerOf(token) : undefined;
  if (!header || !TYPE.test(header.typ ?? '') || 'crit' in header || 'b64' in header) return undefined;
  const key = header.kid === undefined ? undefined : await keys.find(header.kid);
  if (!key || key.algorithm !== header.alg) return undefined;
  try {
    const options = { issuer, algorithms: [key.algorithm], currentDate: new Date(now()) };
    const { payload } = await jwtVerify(token, key.key, options);
    const access = readAccess(payload);
    if (!access || typeof payload.iat !== 'number') return undefined;
    const lifetime = access.expiresAt - payload.iat;
    return { access, key, dependencies: dependenciesOf(payload), lifetime };
  } catch (error) {
    // Claims are looked at once the signature is known to be right.
    return error instanceof errors.JWTExpired ? 'expired' : undefined;
  }
}

function headerOf(token: string) {
  try {
    const header = decodeProtectedHeader(token);
    return typeof header.kid === 'string' && typeof header.typ === 'string' ? header : undefined;
  } catch {
    return undefined;
  }
}

/** The signature's own encoding is not signed: bits that decoding ignores would make variants of one token. */
function isCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  const rest = signature.length % 4;
  const ignored = rest === 2 ? 15 : rest === 3 ? 3 : 0;
  return (
    SIGNATURE.test(signature) && rest !== 1 && (BASE64URL.indexOf(signature.at(-1) ?? '') & ignored) === 0
  );
}
