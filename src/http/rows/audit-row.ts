import { z } from 'zod';
import { AUDIT_EVENT_TYPES, type AuditEvent } from '../../domain/audit-event.ts';
import { iso, isoTime } from '../fields.ts';

/** One audit event as administrators see it. */
export const AuditRow = z
  .object({
    log_id: z.string(),
    client_id: z.string().nullable(),
    user_id: z.string().nullable(),
    token_id: z.string().nullable(),
    task_id: z.string().nullable(),
    parent_task_id: z.string().nullable(),
    event_type: z.enum(AUDIT_EVENT_TYPES),
    timestamp: isoTime,
    status: z.enum(['success', 'refused', 'error']),
    source_ip: z.string().nullable(),
    request_id: z.string().nullable(),
    actor: z.string().nullable(),
    reason: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEvent' });

export function auditRow(event: AuditEvent): z.input<typeof AuditRow> {
  return {
    log_id: event.id,
    client_id: event.clientId,
    user_id: event.userId,
    token_id: event.tokenId,
    task_id: event.taskId,
    parent_task_id: event.parentTaskId,
    event_type: event.type,
    timestamp: iso(event.at),
    status: event.outcome,
    source_ip: event.sourceIp,
    request_id: event.requestId,
    actor: event.actor,
    reason: event.reason,
    details: { ...event.details },
  };
}
