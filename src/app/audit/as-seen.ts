import type { AuditEvent } from '../../domain/audit-event.ts';

/**
 * What an agent may know of an event that concerns it: all of what it did itself; of what others did not who they were,
 * from where, or why in detail.
 */
export function asSeenBy(clientId: string, event: AuditEvent): AuditEvent {
  if (event.actor === clientId) return event;
  return { ...event, actor: null, userId: null, sourceIp: null, requestId: null, details: {} };
}
