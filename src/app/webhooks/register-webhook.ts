import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Webhook } from '../../domain/webhook.ts';
import { findAgent, notEndedSince } from '../agents/find-agent.ts';
import { type AgentVisitor } from '../agents/own-agent.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText, DESCRIPTION_LENGTH } from '../display-text.ts';
import { ownerOf } from './find-webhook.ts';
import { checkEvents, checkUrl } from './webhook-fields.ts';

export interface RegisterWebhookCommand {
  readonly caller: Caller;
  readonly visitor: AgentVisitor;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string;
  /** The agent to hear of; an administrator who names none hears of everything. */
  readonly agentId: string | undefined;
}

export interface RegisteredWebhook {
  readonly webhook: Webhook;
  /** In clear, for the answer alone. */
  readonly secret: string;
}

/** @throws DomainError `parameter_invalid`, `not_found`, `forbidden`, or `conflict` for an agent with too many. */
export async function registerWebhook(
  context: AppContext,
  { caller, visitor, ...asked }: RegisterWebhookCommand,
): Promise<RegisteredWebhook> {
  const { ids, clock, settings, store, webhooks } = context;
  const owner = ownerOf(context, visitor);
  const url = checkUrl(context, asked.url);
  const events = checkEvents(asked.events);
  const description = checkText('description', asked.description, DESCRIPTION_LENGTH);
  const about = await subjectOf(context, owner, asked.agentId);
  const agentId = about?.clientId ?? owner;
  const id = `whk_${ids.next()}`;
  const { value: secret, sealed } = webhooks.secrets.mint(id);
  const now = clock.now();
  const webhook: Webhook = {
    id,
    owner,
    agentId,
    url: url.href,
    host: url.host,
    events,
    description,
    enabled: true,
    disabledReason: null,
    failures: 0,
    sealedSecret: sealed,
    previousSealedSecret: null,
    previousEndsAt: null,
    olderSecrets: null,
    createdAt: now,
    updatedAt: now,
  };
  const most = settings.webhooks.perAgent;
  const miss = new DomainError('conflict', `an agent may have ${most} webhooks at most`);
  const details = { webhook_id: id, host: url.host, events, owner };
  const unit = unitOf(context, caller, [{ do: 'insert_webhook', webhook, most, miss }], {
    type: 'webhook_created',
    clientId: agentId,
    details,
  });
  await store.commit({ ...unit, guards: [...unit.guards, ...(about ? [notEndedSince(about)] : [])] });
  return { webhook, secret };
}

/** Whom an administrator wants to hear of; undefined = everybody, or an agent that hears of itself. */
async function subjectOf(
  context: AppContext,
  owner: string | null,
  asked: string | undefined,
): Promise<Agent | undefined> {
  if (owner === null) return asked === undefined ? undefined : findAgent(context, asked);
  if (asked === undefined || asked === owner) return undefined;
  throw new DomainError('forbidden', 'an agent hears of itself alone');
}
