import type { Command } from 'commander';
import { redeliver, testWebhook } from '../app/webhooks/redeliver.ts';
import { listDeliveries } from '../app/webhooks/view-webhooks.ts';
import { DELIVERY_STATES, type DeliveryState, type WebhookDelivery } from '../domain/webhook.ts';
import {
  type DataOptions,
  oneOf,
  type PageOptions,
  pageOf,
  printPage,
  withJson,
  withPages,
} from './options.ts';
import { json, line, note } from './print.ts';
import { deliveryRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

const SENT_BY = 'A running server delivers it within a second.';

export function addDeliveryCommands(webhook: Command): void {
  withPages(webhook.command('deliveries').argument('<webhook_id>'))
    .description('What a webhook was told and still has to be told, newest first.')
    .option('--state <state>', `one of ${DELIVERY_STATES.join(', ')}`, oneOf(DELIVERY_STATES))
    .action(inSession(list));
  withJson(webhook.command('redeliver').argument('<webhook_id>').argument('<delivery_id>'))
    .description('Try a delivery again from the beginning, with the same id.')
    .action(inSession(again));
  withJson(webhook.command('test').argument('<webhook_id>'))
    .description('Send the event webhook.test to a webhook.')
    .action(inSession(tryOut));
}

async function list(
  { context }: Session,
  webhookId: string,
  options: PageOptions & { readonly state?: DeliveryState },
): Promise<void> {
  const asked = { webhookId, state: options.state, page: pageOf(options) };
  const found = await listDeliveries(context, { visitor: 'administrator', ...asked });
  const columns = ['id', 'event', 'state', 'attempts', 'response_status', 'error'];
  printPage(options, 'deliveries', found, deliveryRow, columns);
}

async function again(
  { context, caller }: Session,
  webhookId: string,
  deliveryId: string,
  options: DataOptions,
): Promise<void> {
  queued(await redeliver(context, { caller, visitor: 'administrator', webhookId, deliveryId }), options);
}

async function tryOut({ context, caller }: Session, webhookId: string, options: DataOptions): Promise<void> {
  queued(await testWebhook(context, { caller, visitor: 'administrator', webhookId }), options);
}

function queued(delivery: WebhookDelivery, { json: asJson }: DataOptions): void {
  if (asJson) {
    json(deliveryRow(delivery));
    return;
  }
  line(delivery.id);
  note(SENT_BY);
}
