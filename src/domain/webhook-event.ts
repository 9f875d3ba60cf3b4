import type { AuditEvent, AuditEventType } from './audit-event.ts';

/** Every event that a webhook can hear of, with what it tells. */
export const WEBHOOK_EVENTS = {
  'agent.registered': 'An agent or client was registered.',
  'agent.activated': 'A pending agent may act.',
  'agent.updated': 'What an agent is called or may be granted was changed.',
  'agent.tier_changed': 'An agent has another tier, and so other rate limits.',
  'agent.permissions_changed': 'What an agent may ever be granted was changed.',
  'agent.suspended': 'An agent was suspended; everything it was granted ended.',
  'agent.reactivated': 'A suspended agent may act again.',
  'agent.revoked': 'An agent was revoked for good; everything it was granted ended.',
  'agent.secret_rotated': 'An agent has a new client secret.',
  'agent.verified': 'An agent proved by an API key who it is.',
  'agent.authentication_failed': 'Somebody could not prove to be the agent.',
  'token.issued': 'A token was issued, for a new task or a joined one.',
  'token.exchanged': 'A token was issued by token exchange.',
  'token.refreshed': 'A refresh token was rotated.',
  'token.handed_off': 'A hand-off token was made for another agent.',
  'token.refused': 'The token endpoint refused a request.',
  'token.replayed': 'A code or refresh token was used again; its family ended.',
  'token.revoked': 'A token was revoked.',
  'task.opened': 'A root task began.',
  'task.derived': 'A child task began.',
  'task.completed': 'A task was completed.',
  'task.failed': 'A task failed.',
  'task.revoked': 'A task was revoked, with everything below it.',
  'approval.requested': 'A person was asked to approve.',
  'approval.granted': 'A person approved.',
  'approval.denied': 'A person declined, or may not approve this.',
  'approval.revoked': 'An approval was withdrawn; what came of it ended.',
  'user.created': 'A user was created.',
  'user.updated': 'A user was changed.',
  'user.disabled': 'A user was disabled; what they had approved ended.',
  'user.enabled': 'A user may sign in again.',
  'user.signed_out':
    'A user signed out of a browser, or was signed out everywhere, which ends what they had approved.',
  'api_key.created': 'An agent has a further API key.',
  'api_key.rotated': 'An API key was replaced.',
  'api_key.revoked': 'An API key was revoked.',
  'permission.added': 'A permission was added to the catalogue.',
  'permission.removed': 'A permission was removed from the catalogue.',
  'role.created': 'A role was made.',
  'role.updated': 'What a role holds was changed.',
  'role.deleted': 'A role was deleted.',
  'role.assigned': 'An agent or user was given a role.',
  'role.unassigned': 'A role was taken from an agent or user.',
  'resource_server.registered': 'A resource server was registered.',
  'resource_server.updated': 'A resource server was changed.',
  'resource_server.deleted': 'A resource server was deleted.',
  'signing_key.rotated': 'A new signing key was published.',
  'webhook.disabled': 'A webhook was disabled.',
} as const;

export type WebhookEvent = keyof typeof WEBHOOK_EVENTS;

/** Sent on demand, to one webhook, whatever it hears of. */
export const TEST_EVENT = 'webhook.test';

/**
 * Which event tells webhooks of an audit event that succeeded; null = none does. INVARIANT: exhaustive. A new type does
 * not compile until somebody has decided.
 */
export const WEBHOOK_EVENT_OF: Readonly<Record<AuditEventType, WebhookEvent | null>> = {
  authorization_code_issued: null,
  authorization_request_used: null,
  authorization_requested: 'approval.requested',
  authorization_denied: 'approval.denied',
  consent_granted: 'approval.granted',
  consent_revoked: 'approval.revoked',
  user_signed_in: null,
  user_sign_in_failed: null,
  user_signed_out: 'user.signed_out',
  client_authentication_failed: 'agent.authentication_failed',
  token_issued: 'token.issued',
  token_refreshed: 'token.refreshed',
  token_exchanged: 'token.exchanged',
  token_handed_off: 'token.handed_off',
  token_refused: 'token.refused',
  token_replayed: 'token.replayed',
  token_verification: null,
  token_introspection: null,
  token_revoked: 'token.revoked',
  task_opened: 'task.opened',
  task_joined: 'token.issued',
  task_derived: 'task.derived',
  task_completed: 'task.completed',
  task_failed: 'task.failed',
  task_revoked: 'task.revoked',
  task_context_verification: null,
  tool_access_verification: null,
  api_access: null,
  agent_registered: 'agent.registered',
  agent_activated: 'agent.activated',
  agent_updated: 'agent.updated',
  agent_tier_changed: 'agent.tier_changed',
  agent_permissions_changed: 'agent.permissions_changed',
  agent_suspended: 'agent.suspended',
  agent_reactivated: 'agent.reactivated',
  agent_deleted: 'agent.revoked',
  agent_secret_rotated: 'agent.secret_rotated',
  agent_verified: 'agent.verified',
  api_key_created: 'api_key.created',
  api_key_rotated: 'api_key.rotated',
  api_key_revoked: 'api_key.revoked',
  client_registered: 'agent.registered',
  client_updated: 'agent.updated',
  resource_server_registered: 'resource_server.registered',
  resource_server_updated: 'resource_server.updated',
  resource_server_deleted: 'resource_server.deleted',
  role_created: 'role.created',
  role_updated: 'role.updated',
  role_deleted: 'role.deleted',
  role_assigned: 'role.assigned',
  role_unassigned: 'role.unassigned',
  permission_added: 'permission.added',
  permission_removed: 'permission.removed',
  user_created: 'user.created',
  user_updated: 'user.updated',
  user_disabled: 'user.disabled',
  user_enabled: 'user.enabled',
  // Nobody can have a webhook before the first key.
  signing_key_created: null,
  signing_key_rotated: 'signing_key.rotated',
  // What was done to webhooks is no news to them, and a delivery must not cause another one.
  webhook_created: null,
  webhook_updated: null,
  webhook_enabled: null,
  webhook_disabled: 'webhook.disabled',
  webhook_deleted: null,
  webhook_secret_rotated: null,
  webhook_tested: null,
  webhook_redelivered: null,
  answer_repeated: null,
  request_refused: null,
  server_error: null,
  refusals_counted: null,
};

/** Types whose events are told although, or because, something was refused. Of all others only success is. */
export const TOLD_WHEN_REFUSED: readonly AuditEventType[] = [
  'authorization_denied',
  'client_authentication_failed',
  'token_refused',
  'token_replayed',
];

/** The event that webhooks hear of, if any. The store says the same in SQL. */
export function webhookEventOf({ type, outcome }: Pick<AuditEvent, 'type' | 'outcome'>): WebhookEvent | null {
  const told = outcome === 'success' || (outcome === 'refused' && TOLD_WHEN_REFUSED.includes(type));
  return told ? WEBHOOK_EVENT_OF[type] : null;
}

/** `*`, `group.*` or a name: whether a webhook may ask for it. */
export function isEventPattern(pattern: string): boolean {
  return PATTERNS.has(pattern);
}

/** What a webhook may have asked for to hear of an event. */
export function patternsFor(event: WebhookEvent): readonly string[] {
  return [event, groupOf(event), '*'];
}

const PATTERNS: ReadonlySet<string> = new Set(
  (Object.keys(WEBHOOK_EVENTS) as WebhookEvent[]).flatMap(patternsFor),
);

function groupOf(event: string): string {
  return `${event.slice(0, event.indexOf('.'))}.*`;
}
