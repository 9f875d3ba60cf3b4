import { z } from 'zod';
import { changeUserState, type UserTarget } from '../../app/users/change-user-state.ts';
import type { AppContext } from '../../app/context.ts';
import { createUser } from '../../app/users/create-user.ts';
import { listUsers, viewUser } from '../../app/users/list-users.ts';
import { updateUser } from '../../app/users/update-user.ts';
import { type BoundRoute, contract, type RouteRequest, route } from '../contract.ts';
import { listAnswer, listOf, pageOf, pageQuery, publicId, reason } from '../fields.ts';
import { UserRow, userRow } from '../rows/user-row.ts';

const tags = ['Administration: users'];
const params = z.strictObject({ userId: publicId });
const why = z.strictObject({ reason: reason.optional() });
const permissions = z.array(z.string().max(128)).max(100);
const password = z.string().max(1000).meta({ description: '12 to 256 characters.', format: 'password' });
const name = z.string().max(200);

const list = contract({
  method: 'get',
  path: '/api/admin/users',
  access: 'admin:read',
  summary: 'List people, newest first.',
  tags,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('users', UserRow) },
});

const create = contract({
  method: 'post',
  path: '/api/admin/users',
  access: 'admin:write',
  creates: true,
  summary: 'Create an account for a person.',
  tags,
  body: z.strictObject({ email: z.string().max(320), name, password, permissions: permissions.default([]) }),
  returns: { status: 201, body: UserRow },
});

const get = contract({
  method: 'get',
  path: '/api/admin/users/:userId',
  access: 'admin:read',
  summary: 'Show a person.',
  tags,
  params,
  returns: { status: 200, body: UserRow },
});

const update = contract({
  method: 'put',
  path: '/api/admin/users/:userId',
  access: 'admin:write',
  summary: 'Change a person’s name, permissions or password.',
  description: 'Absent members stay as they are. A new password ends everything approved under the old one.',
  tags,
  params,
  body: z.strictObject({
    name: name.optional(),
    permissions: permissions.optional(),
    password: password.optional(),
  }),
  returns: { status: 200, body: UserRow },
});

const disable = contract({
  method: 'post',
  path: '/api/admin/users/:userId/disable',
  access: 'admin:write',
  summary: 'Disable a person: sessions and everything they approved end at once.',
  tags,
  params,
  body: why,
  returns: { status: 200, body: UserRow },
});

const enable = contract({
  ...disable,
  path: '/api/admin/users/:userId/enable',
  summary: 'Let a disabled person sign in again; what has ended stays ended.',
});

const signOut = contract({
  ...disable,
  path: '/api/admin/users/:userId/sign-out',
  summary: 'Sign a person out everywhere: sessions and everything they approved end at once.',
});

/** People, as administrators manage them. */
export function userRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ query, caller }) =>
      listAnswer('users', await listUsers(context, { caller, page: pageOf(query) }), userRow),
    ),
    route(create, async ({ body, caller }) => userRow(await createUser(context, { caller, ...body }))),
    route(get, async ({ params: { userId }, caller }) =>
      userRow(await viewUser(context, { caller, userId })),
    ),
    route(update, async ({ params: { userId }, body, caller }) =>
      userRow(await updateUser(context, { caller, userId, edits: body })),
    ),
    route(disable, (request) => changeTo('disabled', context, request)),
    route(enable, (request) => changeTo('active', context, request)),
    route(signOut, (request) => changeTo('signed_out', context, request)),
  ];
}

type Change = RouteRequest<z.output<typeof params>, unknown, z.output<typeof why>, 'admin:write'>;

async function changeTo(to: UserTarget, context: AppContext, { params: { userId }, body, caller }: Change) {
  return userRow(await changeUserState(context, { caller, userId, to, reason: body.reason ?? null }));
}
