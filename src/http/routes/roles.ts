import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { changeRoleOfAgent, changeRoleOfUser } from '../../app/roles/assign-role.ts';
import { createRole } from '../../app/roles/create-role.ts';
import { deleteRole } from '../../app/roles/delete-role.ts';
import { findRole } from '../../app/roles/find-role.ts';
import { listMembers, listRoles } from '../../app/roles/list-roles.ts';
import { updateRole } from '../../app/roles/update-role.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId, listAnswer, listOf, pageOf, pageQuery, publicId, reason } from '../fields.ts';
import { AgentRow, agentRow } from '../rows/agent-row.ts';
import { RoleMemberRow, roleMemberRow, RoleRow, roleRow } from '../rows/role-row.ts';
import { UserRow, userRow } from '../rows/user-row.ts';

const tags = ['Administration: roles'];
const name = publicId;
const params = z.strictObject({ name });
const description = z.string().max(2000);
const permissions = z.array(z.string().max(128)).max(100);

const list = contract({
  method: 'get',
  path: '/api/admin/roles',
  access: 'admin:read',
  summary: 'List roles, oldest first.',
  tags,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('roles', RoleRow) },
});

const create = contract({
  method: 'post',
  path: '/api/admin/roles',
  access: 'admin:write',
  creates: true,
  summary: 'Create a role: a named set of permissions.',
  tags,
  body: z.strictObject({
    name: z.string().max(200).meta({ description: 'Lower-case letters, digits, hyphens, underscores.' }),
    description: description.default(''),
    permissions,
  }),
  returns: { status: 201, body: RoleRow },
});

const get = contract({
  method: 'get',
  path: '/api/admin/roles/:name',
  access: 'admin:read',
  summary: 'Show a role.',
  tags,
  params,
  returns: { status: 200, body: RoleRow },
});

const update = contract({
  method: 'put',
  path: '/api/admin/roles/:name',
  access: 'admin:write',
  summary: 'Change what a role holds, for everyone who has it.',
  description:
    'Absent members stay as they are. Tokens keep what they have; what is issued from now on, for running tasks too, ' +
    'is bounded by what the role is now.',
  tags,
  params,
  body: z.strictObject({ description: description.optional(), permissions: permissions.optional() }),
  returns: { status: 200, body: RoleRow },
});

const remove = contract({
  method: 'delete',
  path: '/api/admin/roles/:name',
  access: 'admin:write',
  summary: 'Delete a role: everyone who has it loses it.',
  tags,
  params,
  query: z.strictObject({ reason: reason.optional() }),
  returns: { status: 204 },
});

const members = contract({
  method: 'get',
  path: '/api/admin/roles/:name/members',
  access: 'admin:read',
  summary: 'List the agents and people who have a role, in the order in which they got it.',
  tags,
  params,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('members', RoleMemberRow) },
});

const assignAgent = contract({
  method: 'put',
  path: '/api/admin/roles/:name/agents/:clientId',
  access: 'admin:write',
  summary: 'Give an agent a role: it may be granted what the role holds too.',
  tags,
  params: z.strictObject({ name, clientId }),
  returns: { status: 200, body: AgentRow },
});

const unassignAgent = contract({
  ...assignAgent,
  method: 'delete',
  summary: 'Take a role from an agent; what is issued to it from now on lacks what only the role held.',
});

const assignUser = contract({
  method: 'put',
  path: '/api/admin/roles/:name/users/:userId',
  access: 'admin:write',
  summary: 'Give a person a role: the person may delegate what the role holds too.',
  tags,
  params: z.strictObject({ name, userId: publicId }),
  returns: { status: 200, body: UserRow },
});

const unassignUser = contract({
  ...assignUser,
  method: 'delete',
  summary:
    'Take a role from a person; what is issued in the person’s name from now on lacks what only it held.',
});

/** Named sets of permissions, and who has them; administrators alone change either. */
export function roleRoutes(context: AppContext): BoundRoute[] {
  return [
    route(list, async ({ query }) => listAnswer('roles', await listRoles(context, pageOf(query)), roleRow)),
    route(create, async ({ body, caller }) => roleRow(await createRole(context, { caller, ...body }))),
    route(get, async ({ params: { name } }) => roleRow(await findRole(context, name))),
    route(update, async ({ params: { name }, body: edits, caller }) =>
      roleRow(await updateRole(context, { caller, name, edits })),
    ),
    route(remove, ({ params: { name }, query, caller }) =>
      deleteRole(context, { caller, name, reason: query.reason ?? null }),
    ),
    route(members, async ({ params: { name }, query }) =>
      listAnswer('members', await listMembers(context, name, pageOf(query)), roleMemberRow),
    ),
    route(assignAgent, async ({ params: { name: role, clientId }, caller }) =>
      agentRow(await changeRoleOfAgent(context, 'assigned', { caller, role, clientId })),
    ),
    route(unassignAgent, async ({ params: { name: role, clientId }, caller }) =>
      agentRow(await changeRoleOfAgent(context, 'unassigned', { caller, role, clientId })),
    ),
    route(assignUser, async ({ params: { name: role, userId }, caller }) =>
      userRow(await changeRoleOfUser(context, 'assigned', { caller, role, userId })),
    ),
    route(unassignUser, async ({ params: { name: role, userId }, caller }) =>
      userRow(await changeRoleOfUser(context, 'unassigned', { caller, role, userId })),
    ),
  ];
}
