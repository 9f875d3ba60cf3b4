export type AuditOutcome = 'success' | 'refused' | 'error';

/** Everything that is recorded, by name; docs/audit-events.md describes each. */
export const AUDIT_EVENT_TYPES = [
  'authorization_code_issued',
  'authorization_request_used',
  'authorization_requested',
  'authorization_denied',
  'consent_granted',
  'consent_revoked',
  'user_signed_in',
  'user_sign_in_failed',
  'user_signed_out',
  'client_authentication_failed',
  'token_issued',
  'token_refreshed',
  'token_exchanged',
  'token_handed_off',
  'token_refused',
  'token_replayed',
  'token_verification',
  'token_introspection',
  'token_revoked',
  'task_opened',
  'task_joined',
  'task_derived',
  'task_completed',
  'task_failed',
  'task_revoked',
  'task_context_verification',
  'tool_access_verification',
  'api_access',
  'agent_registered',
  'agent_activated',
  'agent_updated',
  'agent_tier_changed',
  'agent_permissions_changed',
  'agent_suspended',
  'agent_reactivated',
  'agent_deleted',
  'agent_secret_rotated',
  'agent_verified',
  'api_key_created',
  'api_key_rotated',
  'api_key_revoked',
  'client_registered',
  'client_updated',
  'resource_server_registered',
  'resource_server_updated',
  'resource_server_deleted',
  'role_created',
  'role_updated',
  'role_deleted',
  'role_assigned',
  'role_unassigned',
  'permission_added',
  'permission_removed',
  'user_created',
  'user_updated',
  'user_disabled',
  'user_enabled',
  'signing_key_created',
  'signing_key_rotated',
  'webhook_created',
  'webhook_updated',
  'webhook_enabled',
  'webhook_disabled',
  'webhook_deleted',
  'webhook_secret_rotated',
  'webhook_tested',
  'webhook_redelivered',
  'answer_repeated',
  'request_refused',
  'server_error',
  'refusals_counted',
] as const;

export type AuditEventType = (typeof AUDIT_EVENT_TYPES)[number];

/** Where a request came from. */
export interface RequestOrigin {
  readonly sourceIp: string;
  readonly requestId: string;
}

/** One immutable fact. `at` is milliseconds since the epoch; nothing in it is secret. */
export interface AuditEvent {
  readonly id: string;
  readonly at: number;
  readonly type: AuditEventType;
  readonly outcome: AuditOutcome;
  /** Who did it: a client id, a user id, `cli` or `system`; null when nobody was authenticated. */
  readonly actor: string | null;
  readonly clientId: string | null;
  readonly userId: string | null;
  readonly tokenId: string | null;
  readonly taskId: string | null;
  readonly parentTaskId: string | null;
  readonly sourceIp: string | null;
  readonly requestId: string | null;
  readonly reason: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}
