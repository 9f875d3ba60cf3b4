import { asSeenBy } from '../audit/as-seen.ts';
import type { ClaimedDelivery } from '../ports/webhooks.ts';

/**
 * What a receiver reads, in the form of Standard Webhooks: the type, when it happened, and the facts. The same at each
 * attempt: events never change. An agent's own webhook is told what the agent may know.
 */
export function webhookBody({ delivery, webhook, event: whole }: ClaimedDelivery): string {
  const event = webhook.owner === null ? whole : asSeenBy(webhook.owner, whole);
  return JSON.stringify({
    type: delivery.event,
    timestamp: new Date(event.at).toISOString(),
    data: {
      event_id: event.id,
      event_type: event.type,
      status: event.outcome,
      actor: event.actor,
      agent_id: event.clientId,
      user_id: event.userId,
      token_id: event.tokenId,
      task_id: event.taskId,
      parent_task_id: event.parentTaskId,
      reason: event.reason,
      source_ip: event.sourceIp,
      request_id: event.requestId,
      details: event.details,
    },
  });
}
