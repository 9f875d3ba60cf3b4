import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findRole, unknownRole } from './find-role.ts';

/** How many of those who lose a role are named in the audit event. */
const NAMED = 100;

export interface DeleteRoleCommand {
  readonly caller: Caller;
  readonly name: string;
  readonly reason: string | null;
}

/**
 * Takes the role from everyone who holds it, and removes it.
 * @throws DomainError `not_found`.
 */
export async function deleteRole(
  context: AppContext,
  { caller, name, reason }: DeleteRoleCommand,
): Promise<void> {
  const { permissions } = await findRole(context, name);
  const { items, next } = await context.store.roles.members(name, { limit: NAMED });
  const members = items.map(({ id }) => id);
  await context.store.commit(
    unitOf(context, caller, [{ do: 'delete_role', name, miss: unknownRole() }], {
      type: 'role_deleted',
      reason,
      details: { role: name, permissions, members, more_members: next !== null },
    }),
  );
}
