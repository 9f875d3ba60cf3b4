import { z } from 'zod';
import type { Sliced } from '../../app/ports/page.ts';
import { AUDIT_EVENT_TYPES, type AuditEvent } from '../../domain/audit-event.ts';
import { iso, isoTime } from '../fields.ts';

/** One audit event as the agent that it is about sees it. */
export const ActivityRow = z.object({
  id: z.string(),
  agent_id: z.string(),
  event_type: z.enum(AUDIT_EVENT_TYPES),
  timestamp: isoTime,
  status: z.enum(['success', 'failure']),
  message: z.string().nullable().meta({ description: 'Why, where there is a reason.' }),
  ip_address: z.string().nullable(),
  task_id: z.string().nullable(),
  token_id: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
});

export function activityRow(agentId: string, event: AuditEvent): z.input<typeof ActivityRow> {
  return {
    id: event.id,
    agent_id: agentId,
    event_type: event.type,
    timestamp: iso(event.at),
    status: event.outcome === 'success' ? 'success' : 'failure',
    message: event.reason,
    ip_address: event.sourceIp,
    task_id: event.taskId,
    token_id: event.tokenId,
    details: { ...event.details },
  };
}

/** Where a part of a counted list lies in it. */
export const Pagination = z.object({
  offset: z.int(),
  limit: z.int(),
  count: z.int().meta({ description: 'Rows in this answer.' }),
  total: z.int().meta({ description: 'Rows in all, counted up to 10,000.' }),
  total_truncated: z.boolean().meta({ description: 'There are more than were counted.' }),
  has_more: z.boolean(),
});

export function paginationOf(
  { items, total, truncated }: Sliced<unknown>,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): z.input<typeof Pagination> {
  const count = items.length;
  const more = offset + count < total || (truncated && count === limit);
  return { offset, limit, count, total, total_truncated: truncated, has_more: more };
}
