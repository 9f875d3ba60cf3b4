/**
 * Everything the task engine can refuse, as one closed union. Each boundary (OAuth, REST, CLI) maps every code
 * in one exhaustive table, so a new code does not compile until it is mapped.
 */
export const DOMAIN_ERROR_CODES = [
  'parent_invalid',
  'parent_revoked',
  'parent_expired',
  'actor_not_permitted',
  'parent_mismatch',
  'subject_mismatch',
  'leaf_task',
  'key_mismatch',
  'agent_not_active',
  'scope_not_subset',
  'details_not_subset',
  'audience_not_subset',
  'scope_exceeds_ceiling',
  'details_exceed_ceiling',
  'audience_unknown',
  'max_depth_exceeded',
  'fanout_exceeded',
  'challenge_required',
  'challenge_refused',
  'verifier_mismatch',
  'task_id_taken',
  'task_not_active',
  'grant_invalid',
  'grant_revoked',
  'grant_expired',
  'grant_replayed',
  'details_invalid',
  'permission_invalid',
  'parameter_invalid',
  'parameters_conflict',
  'policy_denied',
  'caller_revoked',
  'not_found',
  'forbidden',
  'conflict',
] as const;

export type DomainErrorCode = (typeof DOMAIN_ERROR_CODES)[number];

/**
 * A refusal decided by the rules. `message` is public and says what would be accepted; `details` is public too
 * and never holds a secret.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: DomainErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: DomainErrorCode, message: string, details: Record<string, unknown> = {}) {
    // Every unit of work brings the refusals that it might meet; nobody reads where they were made.
    const traced = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = traced;
    this.code = code;
    this.details = details;
  }
}
