/** Why nothing can be done at the moment: too much is asked at once, or what is needed does not answer in time. */
export type UnavailableCode = 'overloaded' | 'database_unavailable' | 'policy_unavailable';

const SAYS: Record<UnavailableCode, string> = {
  overloaded: 'the server has more work than it can take; try again shortly',
  database_unavailable: 'the database does not answer at the moment; try again shortly',
  policy_unavailable: 'a policy cannot be decided at the moment; try again shortly',
};

/**
 * The caller may try again later: HTTP 503. Never a refusal: it says nothing about what was asked. A write that ends
 * with it may have been committed, unless its message says that it was not; whoever repeats it is told the truth.
 */
export class UnavailableError extends Error {
  readonly code: UnavailableCode;

  constructor(code: UnavailableCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableError';
    this.code = code;
  }
}

/** The decision point of a policy gave no answer that can be used: nothing is permitted then (ADR 21). */
export class PolicyUnavailableError extends UnavailableError {
  readonly policy: string;

  /** @param why for the audit trail: `timeout`, `status 500` … */
  constructor(policy: string, why: string) {
    super('policy_unavailable', why);
    this.name = 'PolicyUnavailableError';
    this.policy = policy;
  }
}

/** What callers are told; nothing of the cause. */
export interface Unavailability {
  readonly code: UnavailableCode;
  readonly description: string;
  readonly retryAfterSeconds: number;
}

/** How long a caller should wait: most outages that end by themselves are over then. */
const RETRY_AFTER_SECONDS: Record<UnavailableCode, number> = {
  overloaded: 1,
  database_unavailable: 2,
  policy_unavailable: 2,
};

/** What a thrown value says about the server's availability; undefined when it says nothing about it. */
export function unavailability(error: unknown): Unavailability | undefined {
  if (!(error instanceof UnavailableError)) return undefined;
  const { code } = error;
  return { code, description: SAYS[code], retryAfterSeconds: RETRY_AFTER_SECONDS[code] };
}
