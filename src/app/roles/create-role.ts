import { DomainError } from '../../domain/errors.ts';
import { checkRoleName, type Role } from '../../domain/role.ts';
import { parseScope } from '../../domain/scope.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText, DESCRIPTION_LENGTH } from '../display-text.ts';

export interface CreateRoleCommand {
  readonly caller: Caller;
  readonly name: string;
  readonly description: string;
  /** May contain wildcards. */
  readonly permissions: readonly string[];
}

/** @throws DomainError `parameter_invalid`, `permission_invalid`, or `conflict` when the name is taken. */
export async function createRole(context: AppContext, command: CreateRoleCommand): Promise<Role> {
  const now = context.clock.now();
  const role: Role = {
    name: checkRoleName(command.name),
    description: checkText('description', command.description, DESCRIPTION_LENGTH),
    permissions: parseScope(command.permissions.join(' ')),
    createdAt: now,
    updatedAt: now,
  };
  const taken = new DomainError('conflict', 'there is a role of this name already');
  const { name, description, permissions } = role;
  await context.store.commit(
    unitOf(context, command.caller, [{ do: 'insert_role', role, miss: taken }], {
      type: 'role_created',
      details: { role: name, description, permissions },
    }),
  );
  return role;
}
