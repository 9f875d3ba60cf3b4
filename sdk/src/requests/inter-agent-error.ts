/** The messages are those that callers of AGENT_AUTH_SECRET know. */
const MESSAGES = {
  not_set: 'AGENT_AUTH_SECRET not set',
  too_short: 'AGENT_AUTH_SECRET is too short: it needs 32 bytes at least',
  too_many: 'AGENT_AUTH_SECRET has more than two values',
  invalid: 'Invalid token',
  expired: 'Token expired',
  unavailable: 'AGENT_AUTH_SECRET or the keys cannot be read',
} as const;

/** What `InterAgentAuth` throws: never with a part of a token or a secret in it. */
export class InterAgentAuthError extends Error {
  override readonly name = 'InterAgentAuthError';
  /** `invalid` and `expired` are about the token, the others about this agent's own settings. */
  readonly code: keyof typeof MESSAGES;

  constructor(code: keyof typeof MESSAGES, cause?: unknown) {
    super(MESSAGES[code], cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
