import type { Webhook } from '../../domain/webhook.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText, DESCRIPTION_LENGTH } from '../display-text.ts';
import type { WebhookPatch } from '../unit-of-work.ts';
import { changeOf, changeTime, findWebhook, type WebhookCommand } from './find-webhook.ts';
import { checkEvents, checkUrl } from './webhook-fields.ts';

/** Absent members stay as they are. */
export interface WebhookEdits {
  readonly url?: string | undefined;
  readonly events?: readonly string[] | undefined;
  readonly description?: string | undefined;
}

/** @throws DomainError `not_found`, `forbidden`, `parameter_invalid` or `conflict`. */
export async function updateWebhook(
  context: AppContext,
  { caller, edits, ...command }: WebhookCommand & { readonly caller: Caller; readonly edits: WebhookEdits },
): Promise<Webhook> {
  const webhook = await findWebhook(context, command);
  const url = edits.url === undefined ? undefined : checkUrl(context, edits.url);
  const events = edits.events && checkEvents(edits.events);
  const description =
    edits.description === undefined
      ? undefined
      : checkText('description', edits.description, DESCRIPTION_LENGTH);
  const set: WebhookPatch = {
    updatedAt: changeTime(context, webhook),
    ...(url ? { url: url.href, host: url.host } : {}),
    ...(events ? { events } : {}),
    ...(description === undefined ? {} : { description }),
  };
  await context.store.commit(
    unitOf(context, caller, [changeOf(webhook, set)], {
      type: 'webhook_updated',
      clientId: webhook.agentId,
      details: {
        webhook_id: webhook.id,
        before: { host: webhook.host, events: webhook.events },
        after: { host: set.host ?? webhook.host, events: set.events ?? webhook.events },
        url_changed: url !== undefined && url.href !== webhook.url,
      },
    }),
  );
  return { ...webhook, ...set };
}
