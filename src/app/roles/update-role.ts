import { DomainError } from '../../domain/errors.ts';
import type { Role } from '../../domain/role.ts';
import { parseScope } from '../../domain/scope.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText, DESCRIPTION_LENGTH } from '../display-text.ts';
import { findRole } from './find-role.ts';

/** Absent members stay as they are. */
export interface RoleEdits {
  readonly description?: string | undefined;
  readonly permissions?: readonly string[] | undefined;
}

export interface UpdateRoleCommand {
  readonly caller: Caller;
  readonly name: string;
  readonly edits: RoleEdits;
}

/**
 * Changes what a role holds, for everyone who has it. Tokens keep what they have; what is issued from now on, for
 * running tasks too, is bounded by what the role is now.
 * @throws DomainError `not_found`, `parameter_invalid`, `permission_invalid`, `conflict`.
 */
export async function updateRole(
  context: AppContext,
  { caller, name, edits }: UpdateRoleCommand,
): Promise<Role> {
  return editRole(context, { caller, before: await findRole(context, name), edits });
}

export interface EditRoleCommand {
  readonly caller: Caller;
  /** As it was when the edits were made from it: one that was read again would hide what came between. */
  readonly before: Role;
  readonly edits: RoleEdits;
}

/** The same, for edits that follow from what the role was. @throws DomainError as `updateRole`. */
export async function editRole(
  context: AppContext,
  { caller, before, edits }: EditRoleCommand,
): Promise<Role> {
  const { description, permissions } = edits;
  const role: Role = {
    ...before,
    ...(description === undefined
      ? {}
      : { description: checkText('description', description, DESCRIPTION_LENGTH) }),
    ...(permissions === undefined ? {} : { permissions: parseScope(permissions.join(' ')) }),
    updatedAt: context.clock.now(),
  };
  const miss = new DomainError('conflict', 'the role was changed meanwhile: read it again');
  await context.store.commit(
    unitOf(context, caller, [{ do: 'update_role', role, expect: before, miss }], {
      type: 'role_updated',
      details: {
        role: before.name,
        before: { description: before.description, permissions: before.permissions },
        after: { description: role.description, permissions: role.permissions },
      },
    }),
  );
  return role;
}
