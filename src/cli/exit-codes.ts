import type { DomainError, DomainErrorCode } from '../domain/errors.ts';

/** What a script can tell from the exit code. */
export const EXIT = { done: 0, failed: 1, usage: 2, configuration: 3, notFound: 4 } as const;

/** Every refusal of the domain at the command line; a new code does not compile until it stands here. */
const EXIT_CODES = {
  parent_invalid: EXIT.failed,
  parent_revoked: EXIT.failed,
  parent_expired: EXIT.failed,
  actor_not_permitted: EXIT.failed,
  parent_mismatch: EXIT.failed,
  subject_mismatch: EXIT.failed,
  leaf_task: EXIT.failed,
  key_mismatch: EXIT.failed,
  agent_not_active: EXIT.failed,
  scope_not_subset: EXIT.failed,
  details_not_subset: EXIT.failed,
  audience_not_subset: EXIT.failed,
  scope_exceeds_ceiling: EXIT.failed,
  details_exceed_ceiling: EXIT.failed,
  audience_unknown: EXIT.usage,
  max_depth_exceeded: EXIT.failed,
  fanout_exceeded: EXIT.failed,
  challenge_required: EXIT.failed,
  challenge_refused: EXIT.failed,
  verifier_mismatch: EXIT.failed,
  task_id_taken: EXIT.failed,
  task_not_active: EXIT.failed,
  grant_invalid: EXIT.failed,
  grant_revoked: EXIT.failed,
  grant_expired: EXIT.failed,
  grant_replayed: EXIT.failed,
  details_invalid: EXIT.usage,
  permission_invalid: EXIT.usage,
  parameter_invalid: EXIT.usage,
  parameters_conflict: EXIT.usage,
  policy_denied: EXIT.failed,
  caller_revoked: EXIT.failed,
  not_found: EXIT.notFound,
  forbidden: EXIT.failed,
  conflict: EXIT.failed,
} as const satisfies Record<DomainErrorCode, number>;

export function exitCodeOf({ code }: DomainError): number {
  return EXIT_CODES[code];
}

/** The command failed and has said why. */
export class Told extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('told');
    this.exitCode = exitCode;
  }
}
