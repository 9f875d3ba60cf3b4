import type { Command } from 'commander';
import { deleteWebhook } from '../app/webhooks/delete-webhook.ts';
import { findWebhook } from '../app/webhooks/find-webhook.ts';
import { registerWebhook } from '../app/webhooks/register-webhook.ts';
import { rotateWebhookSecret } from '../app/webhooks/rotate-webhook-secret.ts';
import { switchWebhook } from '../app/webhooks/switch-webhook.ts';
import { updateWebhook } from '../app/webhooks/update-webhook.ts';
import { listWebhooks } from '../app/webhooks/view-webhooks.ts';
import type { Webhook } from '../domain/webhook.ts';
import { WEBHOOK_EVENTS } from '../domain/webhook-event.ts';
import {
  type DataOptions,
  pageOf,
  type PageOptions,
  printPage,
  withJson,
  withPages,
  withReason,
  words,
} from './options.ts';
import { json, line, note, record, table } from './print.ts';
import { webhookRow } from './rows.ts';
import { inSession, type Session } from './session.ts';
import { addDeliveryCommands } from './webhook-deliveries.ts';

/** Who works at the server may do what an administrator may. */
const OPERATOR = 'administrator';

export function addWebhookCommands(program: Command): void {
  const webhook = program.command('webhook').description('Webhooks: where events are sent.');
  withPages(webhook.command('list'))
    .description('List webhooks, newest first.')
    .option('--agent <client_id>', 'those that hear of this agent')
    .action(inSession(list));
  withJson(webhook.command('show').argument('<webhook_id>'))
    .description('Show a webhook.')
    .action(inSession(show));
  withJson(webhook.command('create'))
    .description('Register a webhook. Its secret is shown only now.')
    .requiredOption('--url <url>', 'where events are posted to')
    .requiredOption('--event <event>', 'event, group.* or * for all; may be repeated', words)
    .option('--agent <client_id>', 'hear of this agent alone')
    .option('--description <text>', 'at most 500 characters', '')
    .action(inSession(create));
  withJson(webhook.command('update').argument('<webhook_id>'))
    .description('Change where a webhook is or what it hears of.')
    .option('--url <url>', 'where events are posted to')
    .option('--event <event>', 'the events from now on; may be repeated', words)
    .option('--description <text>', 'at most 500 characters')
    .action(inSession(update));
  addSwitches(webhook);
  withJson(webhook.command('rotate-secret').argument('<webhook_id>'))
    .description('Give a webhook a new secret, shown only now; the old one signs beside it for an overlap.')
    .option('--immediate', 'end the old secret at once')
    .action(inSession(rotate));
  webhook
    .command('delete')
    .argument('<webhook_id>')
    .description('Delete a webhook, with what it still had to be told.')
    .action(inSession(remove));
  withJson(webhook.command('events'))
    .description('List the events that a webhook can hear of.')
    .action(events);
  addDeliveryCommands(webhook);
}

function addSwitches(webhook: Command): void {
  for (const [name, enabled, says] of [
    ['enable', true, 'Enable a webhook: what it still had to be told is delivered.'],
    ['disable', false, 'Disable a webhook: it hears of nothing that happens from now on.'],
  ] as const) {
    withReason(withJson(webhook.command(name).argument('<webhook_id>')))
      .description(says)
      .action(
        inSession(async ({ context, caller }: Session, webhookId: string, options: SwitchOptions) => {
          const reason = options.reason ?? null;
          const command = { caller, visitor: OPERATOR, webhookId, enabled, reason } as const;
          shown(await switchWebhook(context, command), options);
        }),
      );
  }
}

interface SwitchOptions extends DataOptions {
  readonly reason?: string;
}

interface ListOptions extends PageOptions {
  readonly agent?: string;
}

async function list({ context }: Session, options: ListOptions): Promise<void> {
  const page = pageOf(options);
  const found = await listWebhooks(context, { visitor: OPERATOR, agentId: options.agent, page });
  printPage(options, 'webhooks', found, webhookRow, ['id', 'enabled', 'agent_id', 'events', 'url']);
}

async function show({ context }: Session, webhookId: string, options: DataOptions): Promise<void> {
  shown(await findWebhook(context, { visitor: OPERATOR, webhookId }), options);
}

interface CreateOptions extends DataOptions {
  readonly url: string;
  readonly event: readonly string[];
  readonly agent?: string;
  readonly description: string;
}

/** What another ENCRYPTION_KEY sealed no server could read: nothing would be delivered any more. */
async function requireServersKey({ keyring }: Session): Promise<void> {
  await keyring.refresh();
}

async function create(session: Session, options: CreateOptions): Promise<void> {
  const { context, caller } = session;
  await requireServersKey(session);
  const { url, event: asked, agent: agentId, description } = options;
  const made = await registerWebhook(context, {
    caller,
    visitor: OPERATOR,
    url,
    events: asked,
    agentId,
    description,
  });
  shownOnce(made, options);
}

interface UpdateOptions extends DataOptions {
  readonly url?: string;
  readonly event?: readonly string[];
  readonly description?: string;
}

async function update(
  { context, caller }: Session,
  webhookId: string,
  { json: asJson = false, event: asked, url, description }: UpdateOptions,
): Promise<void> {
  const edits = { url, events: asked, description };
  shown(await updateWebhook(context, { caller, visitor: OPERATOR, webhookId, edits }), { json: asJson });
}

async function rotate(
  session: Session,
  webhookId: string,
  options: DataOptions & { readonly immediate?: boolean },
): Promise<void> {
  const { context, caller } = session;
  await requireServersKey(session);
  const { immediate = false } = options;
  shownOnce(await rotateWebhookSecret(context, { caller, visitor: OPERATOR, webhookId, immediate }), options);
}

async function remove({ context, caller }: Session, webhookId: string): Promise<void> {
  await deleteWebhook(context, { caller, visitor: OPERATOR, webhookId });
  line(`${webhookId} is deleted`);
}

function events({ json: asJson }: DataOptions): void {
  const rows = Object.entries(WEBHOOK_EVENTS).map(([name, description]) => ({ name, description }));
  if (asJson) json({ events: rows });
  else table(rows, ['name', 'description']);
}

function shown(webhook: Webhook, { json: asJson }: DataOptions): void {
  if (asJson) json(webhookRow(webhook));
  else record(webhookRow(webhook));
}

function shownOnce({ webhook, secret }: { webhook: Webhook; secret: string }, options: DataOptions): void {
  if (options.json) {
    json({ webhook: webhookRow(webhook), secret });
    return;
  }
  record({ id: webhook.id, url: webhook.url, events: webhook.events, secret });
  note('Keep the secret: it is shown only now.');
}
