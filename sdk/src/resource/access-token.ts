import { errors, jwtVerify } from 'jose';
import { type Access, readAccess } from './access.ts';
import { type Dependency, dependenciesOf } from './dependencies.ts';
import { type KeySet, KeysUnavailable, type TrustedKey } from './key-set.ts';

/** A JWT whose signature, issuer and form are right. Whether it is live is another question, asked at every request. */
export interface VerifiedToken {
  readonly access: Access;
  readonly key: TrustedKey;
  /** Undefined where the claims do not name all of them: only the server can tell then. */
  readonly dependencies: readonly Dependency[] | undefined;
  /** Seconds from `iat` to `exp`. */
  readonly lifetime: number;
  /** Asked once for each token, since what was granted never changes. */
  tools?: Promise<readonly string[] | undefined> | undefined;
}

export interface AccessTokenVerifierParts {
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly keys: KeySet;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** RFC 7515 §3.1: three parts of base64url. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+)$/;
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Whether a value looks like a JWT at all; opaque tokens do not. */
export function isJwt(token: string): boolean {
  return token.includes('.');
}

/**
 * Checks an access token as RFC 9068 §4 says: type, algorithm by allow-list, signature by the issuer's own key of that
 * name, issuer, form of the claims. Keys in the token's header are not looked at.
 * @returns 'expired' or 'invalid' for what is not accepted.
 * @throws KeysUnavailable when the issuer's keys cannot be had.
 */
export async function verifyAccessToken(
  { issuer, algorithms, keys, now }: AccessTokenVerifierParts,
  token: string,
): Promise<VerifiedToken | 'expired' | 'invalid'> {
  if (!isCanonical(token)) return 'invalid';
  let used: TrustedKey | undefined;
  try {
    const { payload } = await jwtVerify(
      token,
      async ({ kid, alg }) => {
        used = typeof kid === 'string' ? await keys.find(kid) : undefined;
        if (!used || used.algorithm !== alg) throw new errors.JWSInvalid('no key of that name and algorithm');
        return used.key;
      },
      {
        issuer,
        typ: 'at+jwt',
        algorithms: [...algorithms],
        currentDate: new Date(now()),
        requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'aud'],
      },
    );
    const access = readAccess(payload);
    if (!access || !used || typeof payload.iat !== 'number') return 'invalid';
    const lifetime = access.expiresAt - payload.iat;
    return { access, key: used, dependencies: dependenciesOf(payload), lifetime };
  } catch (error) {
    if (error instanceof KeysUnavailable) throw error;
    return error instanceof errors.JWTExpired ? 'expired' : 'invalid';
  }
}

/** The signature's own encoding is not signed: bits that decoding ignores would make variants of one token. */
function isCanonical(token: string): boolean {
  const signature = COMPACT.exec(token)?.[1];
  if (signature === undefined) return false;
  const rest = signature.length % 4;
  const ignored = rest === 2 ? 15 : rest === 3 ? 3 : 0;
  return rest !== 1 && (BASE64URL.indexOf(signature.at(-1) ?? '') & ignored) === 0;
}
