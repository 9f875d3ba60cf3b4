import { DomainError } from '../../domain/errors.ts';
import type { DeliveryState, Webhook, WebhookDelivery } from '../../domain/webhook.ts';
import type { AgentVisitor } from '../agents/own-agent.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';
import { findWebhook, ownerOf, type WebhookCommand } from './find-webhook.ts';

/** All of them for an administrator, its own for an agent; newest first. @throws DomainError `forbidden`. */
export async function listWebhooks(
  context: AppContext,
  {
    visitor,
    agentId,
    page,
  }: { readonly visitor: AgentVisitor; readonly agentId?: string | undefined; readonly page: Page },
): Promise<Paged<Webhook>> {
  const owner = ownerOf(context, visitor) ?? undefined;
  return context.store.webhooks.search({ owner, agentId }, page);
}

/** What a webhook was told, and what it still has to be told; newest first. @throws DomainError `not_found`, `forbidden`. */
export async function listDeliveries(
  context: AppContext,
  {
    state,
    page,
    ...command
  }: WebhookCommand & { readonly state?: DeliveryState | undefined; readonly page: Page },
): Promise<Paged<WebhookDelivery>> {
  const { id } = await findWebhook(context, command);
  return context.store.webhooks.deliveries(id, { state }, page);
}

/** @throws DomainError `not_found`, `forbidden`. */
export async function viewDelivery(
  context: AppContext,
  { deliveryId, ...command }: WebhookCommand & { readonly deliveryId: string },
): Promise<WebhookDelivery> {
  const { id } = await findWebhook(context, command);
  const delivery = await context.store.webhooks.delivery(id, deliveryId);
  if (!delivery) throw new DomainError('not_found', 'there is no such delivery');
  return delivery;
}
