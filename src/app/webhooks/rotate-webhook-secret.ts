import { DomainError } from '../../domain/errors.ts';
import { afterReplacing, signingSecrets } from '../../domain/webhook.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { changeOf, changeTime, findWebhook, type WebhookCommand } from './find-webhook.ts';
import type { RegisteredWebhook } from './register-webhook.ts';

/** A delivery carries a signature by each. */
const MOST_SECRETS = 5;

/**
 * Gives a webhook a new secret. The one before goes on signing beside it for the overlap, so that a receiver can change
 * over, and so does what it had replaced itself: which of them the receiver knows, nobody can tell. With `immediate` all
 * of them end at once.
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
  const now = context.clock.now();
  const overlapMs = immediate ? 0 : context.settings.webhooks.secretOverlapSeconds * 1000;
  if (overlapMs > 0 && signingSecrets(webhook, now).length >= MOST_SECRETS) throw full();
  const set = {
    ...afterReplacing(webhook, { sealed, now, endsAt: overlapMs > 0 ? now + overlapMs : null }),
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

function full(): DomainError {
  return new DomainError(
    'conflict',
    `${MOST_SECRETS} secrets sign for the webhook: wait until one ends, or end them with immediate`,
  );
}
