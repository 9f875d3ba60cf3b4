import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { addPermission } from '../../app/permissions/add-permission.ts';
import { readCatalogue } from '../../app/permissions/catalogue.ts';
import { removePermission } from '../../app/permissions/remove-permission.ts';
import type { CatalogueEntry } from '../../app/ports/permissions.ts';
import { type ListedCatalogue, listCatalogue } from '../../domain/catalogue.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { iso, isoTime, listAnswer, listOf } from '../fields.ts';

const tags = ['Permissions'];
const described = { permission: z.string(), description: z.string() };
const wildcard = z.string();

const Service = z.object({
  service: z.string(),
  wildcard,
  resources: z.array(
    z.object({
      resource: z.string(),
      wildcard,
      actions: z.array(z.object({ action: z.string(), ...described })),
    }),
  ),
});

const AddedRow = z.object({ ...described, created_at: isoTime });

const list = contract({
  method: 'get',
  path: '/permissions/list',
  aliases: ['/api/permissions'],
  access: 'anonymous',
  summary: 'List the permissions that this server knows: services, their resources, the actions on these.',
  description: 'What can be asked for. That it is listed says nothing about who is granted it.',
  tags,
  returns: {
    status: 200,
    body: z.object({
      wildcard: wildcard.meta({ description: 'Everything of every service.' }),
      services: z.array(Service),
      flat: z
        .array(z.object(described))
        .meta({ description: 'Rights of other forms than service:resource:action.' }),
      permissions: z.array(z.string()).meta({ description: 'All of them and the wildcards, as one list.' }),
    }),
  },
});

const added = contract({
  method: 'get',
  path: '/api/admin/permissions',
  access: 'admin:read',
  summary: 'List what administrators added to the catalogue of permissions, oldest first.',
  tags,
  returns: { status: 200, body: listOf('permissions', AddedRow) },
});

const add = contract({
  method: 'post',
  path: '/api/admin/permissions',
  access: 'admin:write',
  creates: true,
  summary: 'Add a permission to the catalogue, so that agents may ask for it.',
  tags,
  body: z.strictObject({ permission: z.string().max(500), description: z.string().max(2000) }),
  returns: { status: 201, body: AddedRow },
});

const remove = contract({
  method: 'delete',
  path: '/api/admin/permissions/:permission',
  access: 'admin:write',
  summary: 'Take from the catalogue what an administrator added; whoever was granted it keeps it.',
  tags,
  params: z.strictObject({ permission: z.string().max(500) }),
  returns: { status: 204 },
});

/** What can be asked for at all. */
export function permissionRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async () => listRow(listCatalogue(await readCatalogue(context)))),
    route(added, async () => {
      const items = await context.store.permissions.all();
      return listAnswer('permissions', { items, next: null }, addedRow);
    }),
    route(add, async ({ body, caller }) => addedRow(await addPermission(context, { caller, ...body }))),
    route(remove, ({ params: { permission }, caller }) => removePermission(context, { caller, permission })),
  ];
}

function listRow({ services, flat }: ListedCatalogue) {
  const everything = '*:*:*';
  return {
    wildcard: everything,
    services: services.map((service) => ({
      ...service,
      resources: service.resources.map((resource) => ({ ...resource, actions: [...resource.actions] })),
    })),
    flat: [...flat],
    permissions: [
      everything,
      ...services.flatMap((service) => [
        service.wildcard,
        ...service.resources.flatMap((resource) => [
          resource.wildcard,
          ...resource.actions.map(({ permission }) => permission),
        ]),
      ]),
      ...flat.map(({ permission }) => permission),
    ],
  };
}

function addedRow({ permission, description, createdAt }: CatalogueEntry): z.input<typeof AddedRow> {
  return { permission, description, created_at: iso(createdAt) };
}
