import { DomainError } from '../../domain/errors.ts';
import type { Webhook, WebhookDelivery } from '../../domain/webhook.ts';
import { TEST_EVENT } from '../../domain/webhook-event.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { Change } from '../unit-of-work.ts';
import { findWebhook, type WebhookCommand } from './find-webhook.ts';
import { viewDelivery } from './view-webhooks.ts';

/**
 * Tries a delivery again from the beginning, whatever came of it, with the same id. It does not wait for its turn: what
 * was told later may have arrived before.
 * @throws DomainError `not_found`, `forbidden`, or `conflict` when the webhook is disabled or it is on its way.
 */
export async function redeliver(
  context: AppContext,
  {
    caller,
    deliveryId,
    ...command
  }: WebhookCommand & { readonly caller: Caller; readonly deliveryId: string },
): Promise<WebhookDelivery> {
  const webhook = requireEnabled(await findWebhook(context, command));
  const delivery = await viewDelivery(context, { ...command, deliveryId });
  const miss = new DomainError('conflict', 'the delivery is on its way at this moment');
  const at = context.clock.now();
  const again: Change = { do: 'redeliver', webhookId: webhook.id, deliveryId, at, miss };
  await context.store.commit(
    unitOf(context, caller, [stillEnabled(webhook), again], {
      type: 'webhook_redelivered',
      clientId: webhook.agentId,
      details: { webhook_id: webhook.id, delivery_id: deliveryId, event: delivery.event },
    }),
  );
  return { ...delivery, state: 'pending', attempts: 0, dueAt: at, deliveredAt: null };
}

/**
 * Sends an event of its own to one webhook, at once and whatever else waits for it.
 * @throws DomainError `not_found`, `forbidden`, or `conflict` when the webhook is disabled.
 */
export async function testWebhook(
  context: AppContext,
  { caller, ...command }: WebhookCommand & { readonly caller: Caller },
): Promise<WebhookDelivery> {
  const webhook = requireEnabled(await findWebhook(context, command));
  const unit = unitOf(context, caller, [], {
    type: 'webhook_tested',
    clientId: webhook.agentId,
    details: { webhook_id: webhook.id },
  });
  const [told] = unit.events;
  if (!told) throw new Error('a unit of work without its event');
  const delivery: WebhookDelivery = {
    ...UNTRIED,
    id: `${told.id}_${webhook.id}`,
    webhookId: webhook.id,
    event: TEST_EVENT,
    eventId: told.id,
    lane: `${TEST_EVENT} ${told.id}`,
    dueAt: told.at,
    createdAt: told.at,
  };
  const miss = new DomainError('conflict', 'the delivery exists already');
  await context.store.commit({
    ...unit,
    changes: [stillEnabled(webhook), { do: 'insert_webhook_delivery', delivery, unitId: unit.id, miss }],
  });
  return delivery;
}

const UNTRIED = {
  state: 'pending',
  attempts: 0,
  attemptedAt: null,
  deliveredAt: null,
  responseStatus: null,
  responseExcerpt: null,
  error: null,
  durationMs: null,
} as const;

/** What a webhook that was deleted meanwhile had to be told would wait for ever. */
function stillEnabled({ id }: Webhook): Change {
  const miss = new DomainError('conflict', 'the webhook was deleted or disabled meanwhile');
  return { do: 'require_webhook', id, miss };
}

function requireEnabled(webhook: Webhook): Webhook {
  if (webhook.enabled) return webhook;
  throw new DomainError('conflict', 'the webhook is disabled: enable it first');
}
