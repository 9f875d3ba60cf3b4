import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { changeOf, changeTime, findWebhook, type WebhookCommand } from './find-webhook.ts';
import type { RegisteredWebhook } from './register-webhook.ts';

/**
 * Gives a webhook a new secret. The one before goes on signing beside it for the overlap, so that a receiver can change
 * over; with `immediate` it ends at once.
 * @throws DomainError `not_found`, `forbidden` or `conflict`.
 */
export async function rotateWebhookSecret(
  context: AppContext,
  {
    caller,
    immediate,
    ...command
  }: WebhookCommand & { readonly caller: Caller; readonly immediate: boolean },
): Promise<RegisteredWebhook> {
  const webhook = await findWebhook(context, command);
  const { value: secret, sealed } = context.webhooks.secrets.mint(webhook.id);
  const overlaps = !immediate && context.settings.webhooks.secretOverlapSeconds > 0;
  const previousEndsAt = overlaps
    ? context.clock.now() + context.settings.webhooks.secretOverlapSeconds * 1000
    : null;
  const set = {
    sealedSecret: sealed,
    previousSealedSecret: overlaps ? webhook.sealedSecret : null,
    previousEndsAt,
    updatedAt: changeTime(context, webhook),
  };
  await context.store.commit(
    unitOf(context, caller, [changeOf(webhook, set)], {
      type: 'webhook_secret_rotated',
      clientId: webhook.agentId,
      details: { webhook_id: webhook.id, immediate },
    }),
  );
  return { webhook: { ...webhook, ...set }, secret };
}
