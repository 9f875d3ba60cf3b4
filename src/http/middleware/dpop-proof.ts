import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import type { Clock, Digests } from '../../app/ports.ts';
import type { Artifacts } from '../../app/ports/artifacts.ts';
import { PROOF_ALGORITHMS } from '../challenge.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';
import { Problem } from '../problem.ts';

export interface DpopProofParts {
  readonly issuer: string;
  readonly clock: Clock;
  readonly digests: Digests;
  /** Where spent proofs are kept: any number of nodes share it. */
  readonly artifacts: Pick<Artifacts, 'insert'>;
  /** Paths that check proofs themselves, or have no limit that bounds how many are stored. */
  readonly except: (path: string) => boolean;
}

/** How far a proof's `iat` may lie from now. */
const WINDOW_SECONDS = 300;
const MAX_LENGTH = 8192;

/**
 * RFC 9449 §4.3 and §7.1 for our own API: a valid proof for this very method, URL and access token sets
 * `ctx.state.keyThumbprint`; a bad one is refused. Requests without a proof pass: whether one is needed depends on the
 * token.
 */
export function dpopProof(parts: DpopProofParts): RequestMiddleware {
  return async (ctx, next) => {
    const proof = ctx.get('DPoP');
    if (proof !== '' && !parts.except(ctx.path)) ctx.state.keyThumbprint = await verify(parts, ctx, proof);
    return next();
  };
}

async function verify(parts: DpopProofParts, ctx: RequestContext, proof: string): Promise<string> {
  const { payload, thumbprint } = await readProof(proof);
  const { jti, iat, htm, htu, ath } = payload;
  const now = parts.clock.now();
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) throw invalid('jti is missing');
  if (typeof iat !== 'number' || Math.abs(now / 1000 - iat) > WINDOW_SECONDS)
    throw invalid('iat is not recent');
  if (htm !== ctx.method) throw invalid('htm is another method');
  if (!isThisUrl(htu, new URL(ctx.path, parts.issuer).href)) throw invalid('htu is another URL');
  // RFC 9449 §4.2, §5: a request for a token shows none yet, so there is nothing to hash.
  const token = ctx.get('Authorization').split(/ +/)[1];
  const expected = token === undefined ? undefined : parts.digests.sha256(token);
  if (ath !== expected) throw invalid('ath is not the hash of the access token');
  // Last of all: a proof that fails a check must not spend the jti of a good one.
  if (!(await spend(parts, thumbprint, jti, now))) throw invalid('the proof was used before');
  return thumbprint;
}

async function readProof(proof: string) {
  if (proof.length > MAX_LENGTH) throw invalid('it is too long');
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: PROOF_ALGORITHMS,
      typ: 'dpop+jwt',
    });
    if (!protectedHeader.jwk) throw new Error('no key');
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk) };
  } catch {
    throw invalid('it is not a DPoP proof signed with its own key');
  }
}

/** RFC 9449 §4.3: compared without query and fragment. */
function isThisUrl(htu: unknown, expected: string): boolean {
  const url = typeof htu === 'string' ? URL.parse(htu) : null;
  return url !== null && `${url.origin}${url.pathname}` === expected;
}

function spend({ artifacts, digests }: DpopProofParts, thumbprint: string, jti: string, now: number) {
  return artifacts.insert({
    model: 'DpopProof',
    id: digests.sha256(`${thumbprint} ${jti}`),
    payload: {},
    grantId: null,
    uid: null,
    accountId: null,
    clientId: null,
    consumedAt: null,
    expiresAt: now + 2 * WINDOW_SECONDS * 1000,
  });
}

function invalid(why: string): Problem {
  return new Problem(401, 'invalid_dpop_proof', `the DPoP proof is refused: ${why}`, {
    headers: { 'WWW-Authenticate': `DPoP error="invalid_dpop_proof", algs="${PROOF_ALGORITHMS.join(' ')}"` },
  });
}
