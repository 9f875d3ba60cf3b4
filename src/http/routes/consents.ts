import { z } from 'zod';
import { type Consent, listConsents, withdrawConsent } from '../../app/users/consents.ts';
import type { AppContext } from '../../app/context.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { iso, isoTime, listAnswer, listOf, pageOf, pageQuery, publicId, reason } from '../fields.ts';

const tags = ['Administration: users'];

const ConsentRow = z.object({
  grant: z.string().meta({ description: 'Handle that the lineage of every task below names.' }),
  client_id: z.string(),
  granted_at: isoTime,
  scopes: z
    .record(z.string(), z.string())
    .meta({ description: 'Rights by audience; `openid` for identity.' }),
});

const list = contract({
  method: 'get',
  path: '/api/admin/users/:userId/consents',
  access: 'admin:read',
  summary: 'List what a person has approved and not lost again.',
  tags,
  params: z.strictObject({ userId: publicId }),
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('consents', ConsentRow) },
});

const withdraw = contract({
  method: 'post',
  path: '/api/admin/users/:userId/consents/:grant/revoke',
  access: 'admin:write',
  summary: 'Withdraw an approval: everything that came of it ends at once.',
  tags,
  params: z.strictObject({ userId: publicId, grant: publicId }),
  body: z.strictObject({ reason: reason.optional() }),
  returns: { status: 200, body: ConsentRow },
});

/** What people have approved, one by one. */
export function consentRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ params: { userId }, query }) =>
      listAnswer('consents', await listConsents(context, { userId, page: pageOf(query) }), consentRow),
    ),
    route(withdraw, async ({ params: { userId, grant }, body, caller }) =>
      consentRow(await withdrawConsent(context, { caller, userId, grant, reason: body.reason ?? null })),
    ),
  ];
}

function consentRow({ grant, clientId, at, scopes }: Consent): z.input<typeof ConsentRow> {
  return { grant, client_id: clientId, granted_at: iso(at), scopes: { ...scopes } };
}
