import { unavailability } from '../domain/unavailable.ts';
import { DomainError, type DomainErrorCode } from '../domain/errors.ts';
import { tokenRefused } from './challenge.ts';
import { Problem } from './problem.ts';

/** RFC 9457 problem details; sent as application/problem+json. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly [member: string]: unknown;
}

/** Every refusal of the domain at the REST boundary; a new code does not compile until it stands here. */
const DOMAIN_STATUS = {
  parent_invalid: 400,
  parent_revoked: 409,
  parent_expired: 409,
  actor_not_permitted: 403,
  parent_mismatch: 400,
  subject_mismatch: 403,
  leaf_task: 409,
  key_mismatch: 403,
  agent_not_active: 403,
  scope_not_subset: 403,
  details_not_subset: 403,
  audience_not_subset: 403,
  scope_exceeds_ceiling: 403,
  details_exceed_ceiling: 403,
  audience_unknown: 400,
  max_depth_exceeded: 409,
  fanout_exceeded: 409,
  challenge_required: 400,
  challenge_refused: 400,
  verifier_mismatch: 403,
  task_id_taken: 409,
  task_not_active: 409,
  grant_invalid: 400,
  grant_revoked: 400,
  grant_expired: 400,
  grant_replayed: 400,
  details_invalid: 400,
  permission_invalid: 400,
  parameter_invalid: 400,
  parameters_conflict: 400,
  policy_denied: 403,
  caller_revoked: 401,
  not_found: 404,
  forbidden: 403,
  conflict: 409,
} as const satisfies Record<DomainErrorCode, number>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'Authentication is required',
  403: 'The request is not permitted',
  404: 'Not found',
  405: 'The method is not supported here',
  409: 'The request conflicts with the current state',
  413: 'The request is too large',
  415: 'The content type is not supported',
  422: 'The request contradicts an earlier one',
  429: 'Too many requests',
  500: 'The server failed',
  503: 'The server is busy',
};

/** What a thrown value means on the wire. An error that nobody foresaw says nothing about itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DomainError) {
    if (error.code === 'caller_revoked') return tokenRefused(error.message);
    return new Problem(DOMAIN_STATUS[error.code], error.code, error.message, { members: error.details });
  }
  const away = unavailability(error);
  if (away) {
    return new Problem(503, away.code, away.description, {
      headers: { 'Retry-After': String(away.retryAfterSeconds) },
    });
  }
  return new Problem(500, 'server_error', 'the server failed; the request id finds the cause in its log');
}

export function titleOf(status: number): string {
  return TITLES[status] ?? 'The request was refused';
}

export function problemDocument(problem: Problem, requestId: string): ProblemDocument {
  const standard = {
    type: `urn:taskgrant:problem:${problem.code}`,
    title: titleOf(problem.status),
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    request_id: requestId,
  };
  // INVARIANT: what a refusal adds stands behind, and stands for, none of these.
  return { ...standard, ...problem.members, ...standard };
}
