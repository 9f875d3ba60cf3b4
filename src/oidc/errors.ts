import { errors } from 'oidc-provider';
import { DomainError, type DomainErrorCode } from '../domain/errors.ts';

type OAuthCode =
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'unauthorized_client'
  | 'access_denied';

/** Where a refusal happens: RFC 8693 §2.2.2 and the authorization endpoint (R11) have no `invalid_grant`. */
export type Door = 'token' | 'token_exchange' | 'authorization';

interface Wire {
  readonly error: OAuthCode;
  /** Used where `invalid_grant` does not exist. */
  readonly elsewhere?: OAuthCode;
  readonly taskError?: string;
}

const grant = (taskError?: string): Wire => ({
  error: 'invalid_grant',
  elsewhere: 'invalid_request',
  ...(taskError ? { taskError } : {}),
});
const request = (taskError?: string): Wire => ({
  error: 'invalid_request',
  ...(taskError ? { taskError } : {}),
});

/** Standard codes only (T12); the reason goes into `task_error` (design §3). */
const WIRE: Record<DomainErrorCode, Wire> = {
  parent_invalid: grant('parent_invalid'),
  parent_revoked: grant('parent_revoked'),
  parent_expired: grant('parent_expired'),
  actor_not_permitted: grant('actor_not_permitted'),
  parent_mismatch: grant('parent_mismatch'),
  subject_mismatch: grant('subject_mismatch'),
  leaf_task: grant('leaf_task'),
  key_mismatch: grant('key_mismatch'),
  agent_not_active: { error: 'unauthorized_client', taskError: 'agent_not_active' },
  scope_not_subset: { error: 'invalid_scope', taskError: 'not_subset' },
  details_not_subset: { error: 'invalid_authorization_details', taskError: 'not_subset' },
  audience_not_subset: { error: 'invalid_target', taskError: 'not_subset' },
  scope_exceeds_ceiling: { error: 'invalid_scope' },
  details_exceed_ceiling: { error: 'invalid_authorization_details' },
  audience_unknown: { error: 'invalid_target' },
  max_depth_exceeded: request('max_depth_exceeded'),
  fanout_exceeded: request('fanout_exceeded'),
  challenge_required: request('challenge_required'),
  challenge_refused: request('challenge_refused'),
  verifier_mismatch: grant('verifier_mismatch'),
  task_id_taken: request('task_id_taken'),
  task_not_active: grant('task_not_active'),
  grant_invalid: grant(),
  grant_revoked: grant(),
  grant_expired: grant(),
  grant_replayed: grant(),
  details_invalid: { error: 'invalid_authorization_details' },
  permission_invalid: { error: 'invalid_scope' },
  parameter_invalid: request(),
  parameters_conflict: request(),
  // RFC 8628 §3.5 registers it for the token endpoint.
  policy_denied: { error: 'access_denied', taskError: 'policy_denied' },
  caller_revoked: { error: 'access_denied' },
  not_found: request(),
  forbidden: { error: 'access_denied' },
  conflict: request(),
};

/** Every `task_error` that an answer can carry. */
export const TASK_ERRORS: ReadonlySet<string> = new Set(
  Object.values(WIRE).flatMap(({ taskError }) => taskError ?? []),
);

/** `verifier_mismatch` and its like are `invalid_grant` at the token endpoint whatever the grant (design §3). */
const SAME_AT_EXCHANGE: ReadonlySet<DomainErrorCode> = new Set(['verifier_mismatch', 'task_not_active']);

export class OAuthRefusal extends errors.CustomOIDCProviderError {
  readonly taskError: string | undefined;
  readonly cause_code: DomainErrorCode;
  /** What the audit trail keeps of the refusal beside the wire error. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(error: DomainError, door: Door) {
    const wire = WIRE[error.code];
    const elsewhere =
      door === 'authorization' || (door === 'token_exchange' && !SAME_AT_EXCHANGE.has(error.code));
    const code = elsewhere ? (wire.elsewhere ?? wire.error) : wire.error;
    const reason = wire.taskError ? `${wire.taskError}: ` : '';
    super(code, asciiDescription(`${reason}${error.message}`));
    this.taskError = wire.taskError;
    this.cause_code = error.code;
    this.details = error.details;
  }
}

/** RFC 6749 §5.2: error_description excludes `"`, `\` and everything outside %x20-7E. */
export function asciiDescription(text: string): string {
  return text.replaceAll('’', "'").replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, '?');
}

/** Runs a use case and turns its refusals into OAuth errors. */
export async function refusing<T>(door: Door, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof DomainError ? new OAuthRefusal(error, door) : error;
  }
}
