import { DomainError } from '../../domain/errors.ts';
import type { Webhook } from '../../domain/webhook.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { changeOf, changeTime, findWebhook, type WebhookCommand } from './find-webhook.ts';

export interface SwitchWebhookCommand extends WebhookCommand {
  readonly caller: Caller;
  readonly enabled: boolean;
  readonly reason: string | null;
}

/**
 * A disabled webhook hears of nothing; what it still had to be told waits until it is enabled again.
 * @throws DomainError `not_found`, `forbidden` or `conflict`.
 */
export async function switchWebhook(
  context: AppContext,
  { caller, enabled, reason, ...command }: SwitchWebhookCommand,
): Promise<Webhook> {
  const webhook = await findWebhook(context, command);
  if (webhook.enabled === enabled) return webhook;
  return turn(context, webhook, { caller, enabled, reason });
}

/** What a webhook is disabled for, and its URL when that happened. */
export interface Failing {
  readonly webhookId: string;
  readonly url: string;
  readonly reason: string;
}

/**
 * By the server itself, unless it was deleted or disabled meanwhile. What is told of another URL than the one that it
 * has now does not count.
 * @throws DomainError `conflict`.
 */
export async function disableWebhook(context: AppContext, failing: Failing, attempts = 3): Promise<void> {
  const { webhookId, url, reason } = failing;
  const webhook = await context.store.webhooks.byId(webhookId);
  if (!webhook?.enabled || webhook.url !== url) return;
  const caller = { actor: 'system', origin: null };
  try {
    await turn(context, webhook, { caller, enabled: false, reason });
  } catch (error) {
    if (!(error instanceof DomainError) || attempts === 1) throw error;
    await disableWebhook(context, failing, attempts - 1);
  }
}

async function turn(
  context: Pick<AppContext, 'clock' | 'ids' | 'store'>,
  webhook: Webhook,
  { caller, enabled, reason }: Pick<SwitchWebhookCommand, 'caller' | 'enabled' | 'reason'>,
): Promise<Webhook> {
  const updatedAt = changeTime(context, webhook);
  const disabledReason = enabled ? null : (reason ?? 'disabled on request');
  const set = { enabled, disabledReason, updatedAt, ...(enabled ? { failures: 0 as const } : {}) };
  await context.store.commit(
    unitOf(context, caller, [changeOf(webhook, set)], {
      type: enabled ? 'webhook_enabled' : 'webhook_disabled',
      clientId: webhook.agentId,
      reason,
      details: { webhook_id: webhook.id, host: webhook.host },
    }),
  );
  return { ...webhook, ...set };
}
