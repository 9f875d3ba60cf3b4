import type { Fact } from '../app/audit/audit-trail.ts';
import { Problem } from './problem.ts';

/** RFC 6750 §3 and RFC 9728 §5.1: what a client must bring instead. */
export interface Challenge {
  /** All scopes needed at once. */
  readonly scope?: readonly string[] | undefined;
  /** URL of the protected resource's metadata. */
  readonly resourceMetadata?: string | undefined;
  /** The credentials of a resource server are taken as well. */
  readonly basic?: boolean;
}

/** Of proofs of possession at our own API (RFC 9449 §7.1). */
export const PROOF_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'];

/** RFC 7617 §2. */
export const BASIC_CHALLENGE = 'Basic realm="taskgrant", charset="UTF-8"';

/** 401 for a request that shows no token at all; RFC 6750 §3.1: no error code then. */
export function tokenMissing(challenge: Challenge = {}): Problem {
  return new Problem(401, 'token_required', 'this request needs an access token', {
    headers: { 'WWW-Authenticate': header('Bearer', {}, challenge) },
  });
}

/** 401 for a token that is malformed, expired, revoked or meant for another audience. */
export function tokenRefused(
  detail: string,
  {
    scheme = 'Bearer',
    fact = {},
    ...challenge
  }: Challenge & { scheme?: 'Bearer' | 'DPoP'; fact?: Partial<Fact> } = {},
): Problem {
  const error = { error: 'invalid_token', error_description: detail };
  return new Problem(401, 'invalid_token', detail, {
    headers: { 'WWW-Authenticate': header(scheme, error, challenge) },
    fact,
  });
}

/** 403 that names every scope the request needs. */
export function scopeMissing(needed: readonly string[], challenge: Challenge = {}): Problem {
  const detail = `this request needs the scope ${needed.join(' ')}`;
  const error = { error: 'insufficient_scope', error_description: detail };
  return new Problem(403, 'insufficient_scope', detail, {
    members: { scope: needed.join(' ') },
    headers: { 'WWW-Authenticate': header('Bearer', error, { ...challenge, scope: needed }) },
  });
}

function header(scheme: string, error: Record<string, string>, challenge: Challenge): string {
  const { scope = [], resourceMetadata, basic = false } = challenge;
  const members: Record<string, string> = {
    ...error,
    ...(scope.length > 0 ? { scope: scope.join(' ') } : {}),
    ...(resourceMetadata === undefined ? {} : { resource_metadata: resourceMetadata }),
    ...(scheme === 'DPoP' ? { algs: PROOF_ALGORITHMS.join(' ') } : {}),
  };
  const list = Object.entries(members).map(([name, value]) => `${name}="${quotable(value)}"`);
  const asked = list.length > 0 ? `${scheme} ${list.join(', ')}` : scheme;
  return basic ? `${BASIC_CHALLENGE}, ${asked}` : asked;
}

/** RFC 6750 §3: no quote, backslash or character outside printable ASCII inside the quotes. */
function quotable(value: string): string {
  return value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
