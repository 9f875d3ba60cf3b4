import {
  type AccessTokenVerifierParts,
  isJwt,
  type VerifiedToken,
  verifyAccessToken,
} from './access-token.ts';
import type { Follower } from './follower.ts';
import type { Introspect } from './introspection.ts';
import { KeysUnavailable } from './key-set.ts';
import type { TokenDigest } from './token-digest.ts';
import { EXPIRED, INVALID, type Judge, REVOKED, type Verdict } from './verdict.ts';
import type { VerifiedTokens } from './verified-tokens.ts';

export interface OfflineParts {
  readonly verifier: AccessTokenVerifierParts;
  readonly digest: TokenDigest;
  readonly verified: VerifiedTokens;
  /** For what the token does not tell: its tools. */
  readonly introspect: Introspect | undefined;
  /** For what cannot be judged here. Absent = it is refused. */
  readonly fallback: Judge | undefined;
  /** Absent = revocations are not looked at. */
  readonly live: LiveParts | undefined;
}

export interface LiveParts {
  readonly follower: Follower;
  readonly maxAgeMs: number;
  readonly maxTokenLifetime: number;
  /** Waits for a promise, but not longer than for a request that cannot be judged yet. */
  readonly atMost: (work: Promise<void>) => Promise<void>;
}

const UNKNOWN: Verdict = { is: 'undecided', reason: 'revocations_unknown', retryAfterSeconds: 1 };
const NO_KEYS: Verdict = { is: 'undecided', reason: 'server_unavailable', retryAfterSeconds: 1 };

/**
 * Judges JWTs by their signature and, in live mode, by the ledger in memory.
 * INVARIANT: what is remembered of a token is its signature, never that it is live: expiry, key and ledger are looked at
 * every time.
 */
export function judgeOffline(parts: OfflineParts): Judge {
  const { fallback, live } = parts;
  let start: Promise<void> | undefined;
  const elsewhere = (token: string, otherwise: Verdict) => (fallback ? fallback(token) : otherwise);

  return async (token) => {
    if (!isJwt(token)) return elsewhere(token, INVALID);
    const verified = await verify(parts, token);
    if (verified === 'unavailable') return elsewhere(token, NO_KEYS);
    if (verified === undefined) return INVALID;
    if (verified === 'expired' || hasExpired(parts, verified)) return EXPIRED;
    const state = live ? stateOf(live, verified) : 'live';
    switch (state) {
      case 'live':
        return liveVerdict(parts, verified, token);
      case 'revoked':
        return REVOKED;
      case 'incomplete':
        return elsewhere(token, INVALID);
      case 'unknown':
        return afterWaiting(token, verified);
    }
  };

  /** The first request of all may come before the snapshot is complete. */
  async function afterWaiting(token: string, verified: VerifiedToken): Promise<Verdict> {
    if (!live) return UNKNOWN;
    // Starts it, too.
    live.follower.ready().catch(() => undefined);
    if (!fallback && live.follower.age() === Infinity && live.follower.state !== 'closed') {
      // One wait for all: while the server is away, nobody waits after that.
      start ??= live.atMost(live.follower.ready());
      await start;
      const state = stateOf(live, verified);
      if (state === 'revoked') return REVOKED;
      if (state === 'live') return liveVerdict(parts, verified, token);
    }
    return elsewhere(token, UNKNOWN);
  }
}

function hasExpired({ verifier }: OfflineParts, { access }: VerifiedToken): boolean {
  return access.expiresAt * 1000 <= verifier.now();
}

/** What was revoked stays so: that can be told however old the knowledge is. */
function stateOf(
  { follower, maxAgeMs, maxTokenLifetime }: LiveParts,
  verified: VerifiedToken,
): 'live' | 'revoked' | 'incomplete' | 'unknown' {
  const { dependencies, lifetime } = verified;
  if (!dependencies || lifetime > maxTokenLifetime) return 'incomplete';
  if (verified.clearAt !== follower.ledger.revision) {
    if (follower.ledger.ends(dependencies)) return 'revoked';
    verified.clearAt = follower.ledger.revision;
  }
  return follower.age() <= maxAgeMs ? 'live' : 'unknown';
}

async function verify(
  { digest, verified, verifier }: OfflineParts,
  token: string,
): Promise<VerifiedToken | 'expired' | 'unavailable' | undefined> {
  const computed = digest(token);
  const key = typeof computed === 'string' ? computed : await computed;
  const known = verified.get(key);
  if (known && verifier.keys.trusts(known.key)) return known;
  try {
    const found = await verifyAccessToken(verifier, token);
    if (typeof found === 'object') verified.remember(key, found);
    return found;
  } catch (error) {
    if (error instanceof KeysUnavailable) return 'unavailable';
    throw error;
  }
}

function liveVerdict({ introspect }: OfflineParts, verified: VerifiedToken, token: string): Verdict {
  const tools = () => {
    verified.tools ??= askForTools(introspect, verified, token);
    return verified.tools;
  };
  return { is: 'live', access: verified.access, tools };
}

async function askForTools(
  introspect: Introspect | undefined,
  verified: VerifiedToken,
  token: string,
): Promise<readonly string[] | undefined> {
  try {
    const access = await introspect?.(token);
    return access && (access.tools ?? []);
  } catch (error) {
    verified.tools = undefined;
    throw error;
  }
}
