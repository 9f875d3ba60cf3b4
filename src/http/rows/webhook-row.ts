import { z } from 'zod';
import { DELIVERY_STATES, type Webhook, type WebhookDelivery } from '../../domain/webhook.ts';
import { iso, isoOrNull, isoTime } from '../fields.ts';

export const WebhookRow = z
  .object({
    id: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    description: z.string(),
    agent_id: z.string().nullable().meta({ description: 'The agent that it hears of; null = everything.' }),
    owner: z.string().nullable().meta({ description: 'The agent that made it; null = administrators.' }),
    enabled: z.boolean(),
    disabled_reason: z.string().nullable(),
    consecutive_failures: z.int().meta({ description: 'Deliveries in a row that were given up.' }),
    old_secret_expires_at: isoTime.nullable(),
    created_at: isoTime,
    updated_at: isoTime,
  })
  .meta({ id: 'Webhook' });

export function webhookRow(webhook: Webhook): z.input<typeof WebhookRow> {
  return {
    id: webhook.id,
    url: webhook.url,
    events: [...webhook.events],
    description: webhook.description,
    agent_id: webhook.agentId,
    owner: webhook.owner,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    consecutive_failures: webhook.failures,
    old_secret_expires_at: isoOrNull(webhook.previousEndsAt),
    created_at: iso(webhook.createdAt),
    updated_at: iso(webhook.updatedAt),
  };
}

export const DeliveryRow = z
  .object({
    id: z.string().meta({ description: 'The field webhook-id: the same at each attempt.' }),
    webhook_id: z.string(),
    event: z.string(),
    event_id: z.string().meta({ description: 'log_id of the audit event.' }),
    state: z.enum(DELIVERY_STATES),
    attempts: z.int(),
    next_attempt_at: isoTime.nullable(),
    last_attempt_at: isoTime.nullable(),
    delivered_at: isoTime.nullable(),
    response_status: z.int().nullable(),
    response_excerpt: z.string().nullable(),
    error: z.string().nullable(),
    duration_ms: z.int().nullable(),
    created_at: isoTime,
  })
  .meta({ id: 'WebhookDelivery' });

export function deliveryRow(delivery: WebhookDelivery): z.input<typeof DeliveryRow> {
  return {
    id: delivery.id,
    webhook_id: delivery.webhookId,
    event: delivery.event,
    event_id: delivery.eventId,
    state: delivery.state,
    attempts: delivery.attempts,
    next_attempt_at: delivery.state === 'pending' ? iso(delivery.dueAt) : null,
    last_attempt_at: isoOrNull(delivery.attemptedAt),
    delivered_at: isoOrNull(delivery.deliveredAt),
    response_status: delivery.responseStatus,
    response_excerpt: delivery.responseExcerpt,
    error: delivery.error,
    duration_ms: delivery.durationMs,
    created_at: iso(delivery.createdAt),
  };
}
