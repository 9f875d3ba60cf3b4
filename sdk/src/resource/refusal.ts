import type { Access } from './access.ts';

/** Why a request is refused. Closed: what a request gets for each is in `docs/resource.md`. */
export type RefusalReason =
  | 'token_required'
  | 'token_unreadable'
  | 'token_invalid'
  | 'token_expired'
  | 'token_revoked'
  | 'token_for_another_audience'
  | 'key_required'
  | 'not_key_bound'
  | 'proof_invalid'
  | 'nonce_required'
  | 'scope_insufficient'
  | 'task_required'
  | 'task_malformed'
  | 'task_mismatch'
  | 'tool_not_granted'
  | 'server_unavailable'
  | 'revocations_unknown';

/** A request that may go on. */
export interface Accepted {
  readonly accepted: true;
  readonly access: Access;
  /** For the answer: a new DPoP nonce, where the API uses nonces (RFC 9449 §8.2). */
  readonly headers: Readonly<Record<string, string>>;
}

/** A request that may not, and the whole answer to it. `body` is a problem document (RFC 9457). */
export interface Refused {
  readonly accepted: false;
  readonly reason: RefusalReason;
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What every challenge of an API says (RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1). */
export interface Challenges {
  /** All scopes that the request needs, at once (S28). */
  readonly scope: readonly string[];
  readonly resourceMetadata: string | undefined;
  /** What proofs may be signed with. */
  readonly dpopAlgorithms: readonly string[];
  readonly dpop: 'optional' | 'required' | 'off';
}

interface Details {
  /** Public: what was wrong, for whoever debugs the client. */
  readonly detail: string;
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** 401 without any token: no error code then (RFC 6750 §3.1). */
export function tokenRequired(challenges: Challenges): Refused {
  const header = challengeHeader(challenges, {}, 'both');
  return refusal('token_required', 401, 'token_required', {
    detail: 'this request needs an access token',
    headers: { 'www-authenticate': header },
  });
}

/** 401 for a token that is malformed, expired, revoked, for another audience or without the proof it needs. */
export function tokenRefused(
  challenges: Challenges,
  reason: RefusalReason,
  detail: string,
  scheme: 'Bearer' | 'DPoP' = 'Bearer',
): Refused {
  const error = { error: 'invalid_token', error_description: detail };
  const header = challengeHeader(challenges, error, scheme);
  return refusal(reason, 401, 'invalid_token', { detail, headers: { 'www-authenticate': header } });
}

/** 401 for a proof that is none, was used before or lacks the nonce (RFC 9449 §7.1, §9). */
export function proofRefused(challenges: Challenges, detail: string, nonce?: string): Refused {
  const code = nonce === undefined ? 'invalid_dpop_proof' : 'use_dpop_nonce';
  const error = { error: code, error_description: detail };
  return refusal(nonce === undefined ? 'proof_invalid' : 'nonce_required', 401, code, {
    detail,
    headers: {
      'www-authenticate': challengeHeader(challenges, error, 'DPoP'),
      ...(nonce === undefined ? {} : { 'dpop-nonce': nonce }),
    },
  });
}

/** 403 that names every scope the request needs (RFC 6750 §3.1, S28). */
export function scopeInsufficient(challenges: Challenges, scheme: 'Bearer' | 'DPoP'): Refused {
  const scope = challenges.scope.join(' ');
  const detail = `this request needs the scope ${scope}`;
  const error = { error: 'insufficient_scope', error_description: detail };
  return refusal('scope_insufficient', 403, 'insufficient_scope', {
    detail,
    members: { scope },
    headers: { 'www-authenticate': challengeHeader(challenges, error, scheme) },
  });
}

/** 400 for a request that does not say which task it is for. */
export function taskUnstated(reason: 'task_required' | 'task_malformed'): Refused {
  const detail = 'the header X-Task-ID must name the task of the token';
  return refusal(reason, 400, 'task_context_required', { detail });
}

/** 403 for a request that names another task, parent or parent token than its token does. */
export function taskMismatch(header: string, expected: string): Refused {
  return refusal('task_mismatch', 403, 'forbidden', {
    detail: `${header} is not ${expected}`,
    members: { header },
  });
}

/** 403 for a tool that was not granted to the task. */
export function toolNotGranted(tool: string): Refused {
  return refusal('tool_not_granted', 403, 'tool_not_granted', {
    detail: `the token was not granted the tool ${tool}`,
    members: { tool },
  });
}

/** 503: whether the token is live cannot be told now, so nobody is let in. */
export function undecided(
  reason: 'server_unavailable' | 'revocations_unknown',
  retryAfterSeconds: number,
): Refused {
  const detail =
    reason === 'server_unavailable'
      ? 'the authorization server does not answer'
      : 'what was revoked lately is not known yet';
  return refusal(reason, 503, reason, {
    detail,
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  });
}

const TITLES = {
  400: 'The request is not complete',
  401: 'The access token was not accepted',
  403: 'The access token does not permit this',
  503: 'The access token cannot be checked now',
} as const;

function refusal(
  reason: RefusalReason,
  status: Refused['status'],
  code: string,
  { detail, members = {}, headers = {} }: Details,
): Refused {
  return {
    accepted: false,
    reason,
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
    body: { type: `urn:taskgrant:problem:${code}`, title: TITLES[status], status, detail, code, ...members },
  };
}

/** Bearer first: many clients read the first challenge only. */
function challengeHeader(
  challenges: Challenges,
  error: Readonly<Record<string, string>>,
  scheme: 'Bearer' | 'DPoP' | 'both',
): string {
  const { scope, resourceMetadata, dpop, dpopAlgorithms } = challenges;
  const members = {
    ...error,
    ...(scope.length > 0 ? { scope: scope.join(' ') } : {}),
    ...(resourceMetadata === undefined ? {} : { resource_metadata: resourceMetadata }),
  };
  const proved = { ...members, algs: dpopAlgorithms.join(' ') };
  if (dpop === 'required' || (scheme === 'DPoP' && dpop === 'optional')) return challenge('DPoP', proved);
  const bearer = challenge('Bearer', members);
  return scheme === 'both' && dpop === 'optional' ? `${bearer}, ${challenge('DPoP', proved)}` : bearer;
}

function challenge(scheme: string, members: Readonly<Record<string, string>>): string {
  const list = Object.entries(members).map(([name, value]) => `${name}="${quotable(value)}"`);
  return list.length > 0 ? `${scheme} ${list.join(', ')}` : scheme;
}

/** RFC 6750 §3: no quote, backslash or character outside printable ASCII inside the quotes. */
function quotable(value: string): string {
  return value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');
}
