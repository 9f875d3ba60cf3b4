import { DomainError } from '../../domain/errors.ts';
import type { Webhook } from '../../domain/webhook.ts';
import { type AgentVisitor, requireOwnRoot } from '../agents/own-agent.ts';
import type { AppContext } from '../context.ts';
import { ownAudiences } from '../resource-servers/own-apis.ts';
import type { Change, WebhookPatch } from '../unit-of-work.ts';

/** What a webhook's use cases begin with: who asks, and which webhook. */
export interface WebhookCommand {
  readonly visitor: AgentVisitor;
  readonly webhookId: string;
}

/**
 * A webhook, for administrators and for the agent that made it.
 * @throws DomainError `not_found` for anybody else, `forbidden` for a token that is not enough.
 */
export async function findWebhook(
  context: Pick<AppContext, 'store' | 'settings'>,
  { visitor, webhookId }: WebhookCommand,
): Promise<Webhook> {
  const owner = ownerOf(context, visitor);
  const webhook = await context.store.webhooks.byId(webhookId);
  if (!webhook || (owner !== null && webhook.owner !== owner)) {
    throw new DomainError('not_found', 'there is no such webhook');
  }
  return webhook;
}

/**
 * Whose webhooks the visitor works on: an agent's, or null for an administrator, who works on all. Whoever could make
 * a webhook of an agent's would hear of all that it does, so a token that other servers have seen is not enough.
 * @throws DomainError `forbidden`.
 */
export function ownerOf({ settings }: Pick<AppContext, 'settings'>, visitor: AgentVisitor): string | null {
  if (visitor === 'administrator') return null;
  const { token } = visitor.bearer;
  requireOwnRoot(visitor.bearer, token.clientId);
  const isOurs = ownAudiences(settings).includes(token.audience ?? '');
  if (isOurs || token.keyThumbprint !== null) return token.clientId;
  throw new DomainError(
    'forbidden',
    'this takes a token for this server itself, or one that is bound to a key',
  );
}

/** Changes a webhook that is still as it was read. */
export function changeOf({ id, updatedAt }: Webhook, set: WebhookPatch): Change {
  const miss = new DomainError('conflict', 'the webhook was changed meanwhile: read it again');
  return { do: 'update_webhook', id, expectUpdatedAt: updatedAt, set, miss };
}

/** The time of a change: later than that of the last one, which the next change is compared with. */
export function changeTime({ clock }: Pick<AppContext, 'clock'>, { updatedAt }: Webhook): number {
  return Math.max(clock.now(), updatedAt + 1);
}
