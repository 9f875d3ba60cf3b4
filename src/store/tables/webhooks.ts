import type { Knex } from 'knex';
import type { WebhookFilter, WebhookReads } from '../../app/ports/webhooks.ts';
import type { Page, Paged } from '../../app/ports/page.ts';
import type { DeliveryState, Webhook, WebhookDelivery } from '../../domain/webhook.ts';
import { boolean, json, mapping, plain } from '../sql/mapping.ts';
import { type Order, pageOf } from '../sql/paging.ts';
import { rowsOf } from '../sql/statements.ts';

export const webhooks = mapping<Webhook>('webhooks', {
  id: plain('id'),
  owner: plain('owner'),
  agentId: plain('agent_id'),
  url: plain('url'),
  host: plain('host'),
  events: json('events'),
  description: plain('description'),
  enabled: boolean('enabled'),
  disabledReason: plain('disabled_reason'),
  failures: plain('failures'),
  sealedSecret: plain('sealed_secret'),
  previousSealedSecret: plain('previous_sealed_secret'),
  previousEndsAt: plain('previous_ends_at'),
  olderSecrets: json('older_secrets'),
  createdAt: plain('created_at'),
  updatedAt: plain('updated_at'),
});

export const deliveries = mapping<WebhookDelivery>('webhook_deliveries', {
  id: plain('id'),
  webhookId: plain('webhook_id'),
  event: plain('event'),
  eventId: plain('event_id'),
  lane: plain('lane'),
  state: plain('state'),
  attempts: plain('attempts'),
  dueAt: plain('due_at'),
  createdAt: plain('created_at'),
  attemptedAt: plain('attempted_at'),
  deliveredAt: plain('delivered_at'),
  responseStatus: plain('response_status'),
  responseExcerpt: plain('response_excerpt'),
  error: plain('error'),
  durationMs: plain('duration_ms'),
});

const NEWEST_FIRST: Order = { columns: { created_at: 'number', id: 'string' }, direction: 'desc' };
const LATEST_FIRST: Order = { columns: { seq: 'number' }, direction: 'desc' };

export function webhookReads(db: Knex): WebhookReads {
  return {
    async byId(id) {
      const sql = `SELECT ${webhooks.columns.join(', ')} FROM webhooks WHERE id = ?`;
      const [row] = await rowsOf(db, sql, [id]);
      return row && webhooks.read(row);
    },
    search: (filter, page) => search(db, filter, page),
    async delivery(webhookId, deliveryId) {
      const sql = `SELECT ${deliveries.columns.join(', ')} FROM webhook_deliveries WHERE id = ? AND webhook_id = ?`;
      const [row] = await rowsOf(db, sql, [deliveryId, webhookId]);
      return row && deliveries.read(row);
    },
    deliveries: (webhookId, filter, page) => deliveriesOf(db, webhookId, filter, page),
  };
}

function search(db: Knex, { owner, agentId }: WebhookFilter, page: Page): Promise<Paged<Webhook>> {
  const query = db('webhooks').select([...webhooks.columns]);
  if (owner !== undefined) query.where('owner', owner);
  if (agentId !== undefined) query.where('agent_id', agentId);
  return pageOf(query, NEWEST_FIRST, page, webhooks.read);
}

function deliveriesOf(
  db: Knex,
  webhookId: string,
  { state }: { readonly state?: DeliveryState | undefined },
  page: Page,
): Promise<Paged<WebhookDelivery>> {
  const query = db('webhook_deliveries')
    .select([...deliveries.columns, 'seq'])
    .where('webhook_id', webhookId);
  if (state !== undefined) query.where('state', state);
  return pageOf(query, LATEST_FIRST, page, deliveries.read);
}
