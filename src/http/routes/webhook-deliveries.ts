import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { redeliver, testWebhook } from '../../app/webhooks/redeliver.ts';
import { listDeliveries, viewDelivery } from '../../app/webhooks/view-webhooks.ts';
import { DELIVERY_STATES } from '../../domain/webhook.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { listAnswer, listOf, pageOf, pageQuery, publicId } from '../fields.ts';
import { DeliveryRow, deliveryRow } from '../rows/webhook-row.ts';
import { webhookVisitor } from './webhooks.ts';

const tags = ['Webhooks'];
const webhook = z.strictObject({ webhookId: publicId });
const delivery = z.strictObject({ webhookId: publicId, deliveryId: publicId });

const list = contract({
  method: 'get',
  path: '/api/webhooks/:webhookId/deliveries',
  aliases: ['/webhooks/:webhookId/deliveries'],
  access: 'task',
  summary: 'What a webhook was told and still has to be told, newest first.',
  tags,
  params: webhook,
  query: z.strictObject({ state: z.enum(DELIVERY_STATES).optional(), ...pageQuery }),
  returns: { status: 200, body: listOf('deliveries', DeliveryRow) },
});

const get = contract({
  method: 'get',
  path: '/api/webhooks/:webhookId/deliveries/:deliveryId',
  aliases: ['/webhooks/:webhookId/deliveries/:deliveryId'],
  access: 'task',
  summary: 'Show a delivery and its last attempt.',
  tags,
  params: delivery,
  returns: { status: 200, body: DeliveryRow },
});

const again = contract({
  method: 'post',
  path: '/api/webhooks/:webhookId/deliveries/:deliveryId/redeliver',
  aliases: ['/webhooks/:webhookId/deliveries/:deliveryId/redeliver'],
  access: 'task',
  summary: 'Try a delivery again from the beginning, with the same id.',
  tags,
  params: delivery,
  returns: { status: 202, body: DeliveryRow },
});

const tryOut = contract({
  method: 'post',
  path: '/api/webhooks/:webhookId/test',
  aliases: ['/webhooks/:webhookId/test'],
  access: 'task',
  creates: true,
  summary: 'Send the event `webhook.test`; its delivery tells what came of it.',
  tags,
  params: webhook,
  returns: { status: 202, body: DeliveryRow },
});

/** The delivery log of webhooks. */
export function webhookDeliveryRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ params, query, caller }) => {
      const asked = { ...params, state: query.state, page: pageOf(query) };
      const visitor = webhookVisitor(caller, 'admin:read');
      return listAnswer('deliveries', await listDeliveries(context, { visitor, ...asked }), deliveryRow);
    }),
    route(get, async ({ params, caller }) =>
      deliveryRow(await viewDelivery(context, { visitor: webhookVisitor(caller, 'admin:read'), ...params })),
    ),
    route(again, async ({ params, caller }) =>
      deliveryRow(
        await redeliver(context, { caller, visitor: webhookVisitor(caller, 'admin:write'), ...params }),
      ),
    ),
    route(tryOut, async ({ params, caller }) =>
      deliveryRow(
        await testWebhook(context, { caller, visitor: webhookVisitor(caller, 'admin:write'), ...params }),
      ),
    ),
  ];
}
