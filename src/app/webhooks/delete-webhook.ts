import { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findWebhook, type WebhookCommand } from './find-webhook.ts';

/** It hears of nothing any more, not even of what it still had to be told. @throws DomainError `not_found`, `forbidden`. */
export async function deleteWebhook(
  context: AppContext,
  { caller, ...command }: WebhookCommand & { readonly caller: Caller },
): Promise<void> {
  const { id, agentId, host } = await findWebhook(context, command);
  const miss = new DomainError('not_found', 'there is no such webhook');
  await context.store.commit(
    unitOf(context, caller, [{ do: 'delete_webhook', id, miss }], {
      type: 'webhook_deleted',
      clientId: agentId,
      details: { webhook_id: id, host },
    }),
  );
}
