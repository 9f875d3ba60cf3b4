import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import type { AgentVisitor } from '../../app/agents/own-agent.ts';
import { deleteWebhook } from '../../app/webhooks/delete-webhook.ts';
import { findWebhook } from '../../app/webhooks/find-webhook.ts';
import { registerWebhook, type RegisteredWebhook } from '../../app/webhooks/register-webhook.ts';
import { rotateWebhookSecret } from '../../app/webhooks/rotate-webhook-secret.ts';
import { switchWebhook } from '../../app/webhooks/switch-webhook.ts';
import { updateWebhook } from '../../app/webhooks/update-webhook.ts';
import { listWebhooks } from '../../app/webhooks/view-webhooks.ts';
import { WEBHOOK_EVENTS } from '../../domain/webhook-event.ts';
import type { AdminRight, BearerCaller } from '../caller.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId, flag, listAnswer, listOf, pageOf, pageQuery, publicId, reason } from '../fields.ts';
import { WebhookRow, webhookRow } from '../rows/webhook-row.ts';

const tags = ['Webhooks'];
const params = z.strictObject({ webhookId: publicId });
const url = z.string().max(2048).meta({ format: 'uri' });
const events = z
  .array(z.string().max(100))
  .min(1)
  .max(100)
  .meta({ description: 'Names of events, `group.*`, or `*` for all; /api/webhooks/events lists them.' });
const description = z.string().max(2000);
const WithSecret = z.object({
  webhook: WebhookRow,
  secret: z.string().meta({ description: 'What deliveries are signed with; shown only now.' }),
});

const register = contract({
  method: 'post',
  path: '/api/webhooks',
  aliases: ['/webhooks'],
  access: 'task',
  creates: true,
  summary: 'Register a webhook; its secret is shown only now.',
  description:
    'An agent hears of itself and of what was derived from its tasks; an administrator of everything, or of one agent.',
  tags,
  body: z.strictObject({
    url,
    events,
    description: description.default(''),
    agent_id: clientId.optional().meta({ description: 'The agent to hear of.' }),
  }),
  returns: { status: 201, body: WithSecret },
});

const list = contract({
  method: 'get',
  path: '/api/webhooks',
  aliases: ['/webhooks'],
  access: 'task',
  summary: 'List webhooks, newest first: an agent’s own, or all of them for an administrator.',
  tags,
  query: z.strictObject({ agent_id: clientId.optional(), ...pageQuery }),
  returns: { status: 200, body: listOf('webhooks', WebhookRow) },
});

const eventList = contract({
  method: 'get',
  path: '/api/webhooks/events',
  aliases: ['/webhooks/events'],
  access: 'optional',
  summary: 'List the events that a webhook can hear of.',
  tags,
  returns: {
    status: 200,
    body: z.object({ events: z.array(z.object({ name: z.string(), description: z.string() })) }),
  },
});

const get = contract({
  method: 'get',
  path: '/api/webhooks/:webhookId',
  aliases: ['/webhooks/:webhookId'],
  access: 'task',
  summary: 'Show a webhook.',
  tags,
  params,
  returns: { status: 200, body: WebhookRow },
});

const update = contract({
  method: 'patch',
  path: '/api/webhooks/:webhookId',
  aliases: ['/webhooks/:webhookId'],
  access: 'task',
  summary: 'Change where a webhook is and what it hears of; absent members stay as they are.',
  tags,
  params,
  body: z.strictObject({
    url: url.optional(),
    events: events.optional(),
    description: description.optional(),
  }),
  returns: { status: 200, body: WebhookRow },
});

const put = contract({ ...update, method: 'put' });

const enable = contract({
  method: 'post',
  path: '/api/webhooks/:webhookId/enable',
  aliases: ['/webhooks/:webhookId/enable'],
  access: 'task',
  summary: 'Enable a webhook: what it still had to be told is delivered.',
  tags,
  params,
  body: z.strictObject({ reason: reason.optional() }),
  returns: { status: 200, body: WebhookRow },
});

const disable = contract({
  ...enable,
  path: '/api/webhooks/:webhookId/disable',
  aliases: ['/webhooks/:webhookId/disable'],
  summary: 'Disable a webhook: it hears of nothing that happens from now on.',
});

const remove = contract({
  method: 'delete',
  path: '/api/webhooks/:webhookId',
  aliases: ['/webhooks/:webhookId'],
  access: 'task',
  summary: 'Delete a webhook.',
  tags,
  params,
  returns: { status: 204 },
});

const rotate = contract({
  method: 'post',
  path: '/api/webhooks/:webhookId/regenerate-secret',
  aliases: ['/webhooks/:webhookId/regenerate-secret'],
  access: 'task',
  creates: true,
  summary: 'Give a webhook a new secret; the old one goes on signing beside it for an overlap.',
  tags,
  params,
  body: z.strictObject({ immediate: flag.default(false) }),
  returns: { status: 200, body: WithSecret },
});

/** The agent that asks, or an administrator. */
export function webhookVisitor(caller: BearerCaller, right: AdminRight): AgentVisitor {
  return caller.administers(right) ? 'administrator' : { bearer: caller.bearer };
}

/** Where events are sent: administrators' webhooks, and each agent's own. */
export function webhookRoutes(context: AppContext): BoundRoute[] {
  const writer = (caller: BearerCaller) => ({ caller, visitor: webhookVisitor(caller, 'admin:write') });
  const reader = (caller: BearerCaller) => webhookVisitor(caller, 'admin:read');
  return [
    route(register, async ({ body: { agent_id: agentId, ...body }, caller }) =>
      secretAnswer(await registerWebhook(context, { ...writer(caller), ...body, agentId })),
    ),
    route(list, async ({ query, caller }) => {
      const asked = { visitor: reader(caller), agentId: query.agent_id, page: pageOf(query) };
      return listAnswer('webhooks', await listWebhooks(context, asked), webhookRow);
    }),
    route(eventList, () => ({ events: EVENTS })),
    route(get, async ({ params, caller }) =>
      webhookRow(await findWebhook(context, { visitor: reader(caller), ...params })),
    ),
    ...[update, put].map((declared) =>
      route(declared, async ({ params, body, caller }) =>
        webhookRow(await updateWebhook(context, { ...writer(caller), ...params, edits: body })),
      ),
    ),
    ...[enable, disable].map((declared) =>
      route(declared, async ({ params, body, caller }) => {
        const wanted = { enabled: declared === enable, reason: body.reason ?? null };
        return webhookRow(await switchWebhook(context, { ...writer(caller), ...params, ...wanted }));
      }),
    ),
    route(remove, ({ params, caller }) => deleteWebhook(context, { ...writer(caller), ...params })),
    route(rotate, async ({ params, body, caller }) =>
      secretAnswer(await rotateWebhookSecret(context, { ...writer(caller), ...params, ...body })),
    ),
  ];
}

const EVENTS = Object.entries(WEBHOOK_EVENTS).map(([name, description]) => ({ name, description }));

function secretAnswer({ webhook, secret }: RegisteredWebhook) {
  return { webhook: webhookRow(webhook), secret };
}
