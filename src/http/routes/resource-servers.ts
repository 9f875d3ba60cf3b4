import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { deleteResourceServer } from '../../app/resource-servers/delete-resource-server.ts';
import { listResourceServers, viewResourceServer } from '../../app/resource-servers/find-resource-server.ts';
import { registerResourceServer } from '../../app/resource-servers/register-resource-server.ts';
import { rotateResourceServerSecret } from '../../app/resource-servers/rotate-resource-server-secret.ts';
import { updateResourceServer } from '../../app/resource-servers/update-resource-server.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { flag, listAnswer, listOf, publicId, reason } from '../fields.ts';
import { ResourceServerRow, resourceServerRow } from '../rows/resource-server-row.ts';
import { SecretRow, secretRow } from '../rows/secret-row.ts';

const tags = ['Administration: resource servers'];
const params = z.strictObject({ clientId: publicId });
const name = z.string().max(200);
const audiences = z.array(z.string().max(500)).max(20);
const scopes = z.array(z.string().max(128)).max(100).nullable();
const tokenFormat = z.enum(['jwt', 'opaque']);

const list = contract({
  method: 'get',
  path: '/api/admin/resource-servers',
  access: 'admin:read',
  summary: 'List resource servers.',
  tags,
  returns: { status: 200, body: listOf('resource_servers', ResourceServerRow) },
});

const register = contract({
  method: 'post',
  path: '/api/admin/resource-servers',
  access: 'admin:write',
  creates: true,
  summary: 'Register an API that accepts tokens; the secret is shown this once.',
  description:
    'Each audience is an absolute URI with one owner. With its credentials the API may introspect.',
  tags,
  body: z.strictObject({
    name,
    audiences,
    scopes: scopes.default(null).meta({ description: 'Rights that it knows; null = any.' }),
    token_format: tokenFormat.default('jwt'),
  }),
  returns: {
    status: 201,
    body: z.object({
      resource_server: ResourceServerRow,
      credentials: z.object({ client_id: z.string(), client_secret: z.string() }),
    }),
  },
});

const get = contract({
  method: 'get',
  path: '/api/admin/resource-servers/:clientId',
  access: 'admin:read',
  summary: 'Show a resource server.',
  tags,
  params,
  returns: { status: 200, body: ResourceServerRow },
});

const update = contract({
  method: 'put',
  path: '/api/admin/resource-servers/:clientId',
  access: 'admin:write',
  summary: 'Change a resource server; absent members stay as they are.',
  tags,
  params,
  body: z.strictObject({
    name: name.optional(),
    audiences: audiences.optional(),
    scopes: scopes.optional(),
    token_format: tokenFormat.optional(),
  }),
  returns: { status: 200, body: ResourceServerRow },
});

const remove = contract({
  method: 'delete',
  path: '/api/admin/resource-servers/:clientId',
  access: 'admin:write',
  summary: 'Delete a resource server: its audiences are free, its credentials end.',
  tags,
  params,
  query: z.strictObject({ reason: reason.optional() }),
  returns: { status: 204 },
});

const rotate = contract({
  method: 'post',
  path: '/api/admin/resource-servers/:clientId/rotate-secret',
  creates: true,
  access: 'admin:write',
  summary: 'Give a resource server a new secret; the old ones work for an overlap.',
  tags,
  params,
  body: z.strictObject({ immediate: flag.default(false) }),
  returns: { status: 200, body: SecretRow },
});

/** The APIs that tokens are for; administrators alone assign audiences (R13). */
export function resourceServerRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async () => {
      const items = await listResourceServers(context);
      return listAnswer('resource_servers', { items, next: null }, resourceServerRow);
    }),
    route(register, async ({ body, caller }) => {
      const { token_format: format, ...rest } = body;
      const made = await registerResourceServer(context, { caller, ...rest, tokenFormat: format });
      return {
        resource_server: resourceServerRow(made.server),
        credentials: { client_id: made.server.clientId, client_secret: made.clientSecret },
      };
    }),
    route(get, async ({ params: { clientId }, caller }) =>
      resourceServerRow(await viewResourceServer(context, { caller, clientId })),
    ),
    route(update, async ({ params: { clientId }, body, caller }) => {
      const { token_format: format, ...rest } = body;
      const edits = { ...rest, tokenFormat: format };
      return resourceServerRow(await updateResourceServer(context, { caller, clientId, edits }));
    }),
    route(remove, ({ params: { clientId }, query, caller }) =>
      deleteResourceServer(context, { caller, clientId, reason: query.reason ?? null }),
    ),
    route(rotate, async ({ params: { clientId }, body, caller }) =>
      secretRow(await rotateResourceServerSecret(context, { caller, clientId, immediate: body.immediate })),
    ),
  ];
}
