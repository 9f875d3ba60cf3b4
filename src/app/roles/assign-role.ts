import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { MOST_ROLES, type RightsHolder, type RoleHolder } from '../../domain/role.ts';
import type { User } from '../../domain/user.ts';
import { findAgent } from '../agents/find-agent.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { Change } from '../unit-of-work.ts';
import { findUser } from '../users/find-user.ts';
import { findRole } from './find-role.ts';

interface Assignment {
  readonly caller: Caller;
  readonly role: string;
  readonly holder: RoleHolder;
}

/**
 * Gives an agent a role, or takes it: its ceiling is what it was given itself and what its roles hold.
 * @throws DomainError `not_found`, `conflict`.
 */
export async function changeRoleOfAgent(
  context: AppContext,
  to: 'assigned' | 'unassigned',
  { caller, role, clientId }: { caller: Caller; role: string; clientId: string },
): Promise<Agent> {
  const agent = await findAgent(context, clientId);
  await change(context, to, { caller, role, holder: { kind: 'agent', id: clientId } }, agent);
  return findAgent(context, clientId);
}

/**
 * Gives a person a role, or takes it: a person may delegate what was given to the person and what the roles hold.
 * @throws DomainError `not_found`, `conflict`.
 */
export async function changeRoleOfUser(
  context: AppContext,
  to: 'assigned' | 'unassigned',
  { caller, role, userId }: { caller: Caller; role: string; userId: string },
): Promise<User> {
  const user = await findUser(context, userId);
  await change(context, to, { caller, role, holder: { kind: 'user', id: userId } }, user);
  return findUser(context, userId);
}

async function change(
  context: AppContext,
  to: 'assigned' | 'unassigned',
  assignment: Assignment,
  holder: RightsHolder,
): Promise<void> {
  const { permissions } = await findRole(context, assignment.role);
  const held = holder.roles.some(({ name }) => name === assignment.role);
  if (to === 'assigned' && held) return;
  const changes = to === 'assigned' ? assigning(context, assignment, holder) : unassigning(assignment);
  const { caller, role } = assignment;
  const { kind, id } = assignment.holder;
  await context.store.commit(
    unitOf(context, caller, [changes], {
      type: to === 'assigned' ? 'role_assigned' : 'role_unassigned',
      ...(kind === 'agent' ? { clientId: id } : { userId: id }),
      details: { role, permissions },
    }),
  );
}

function assigning({ clock }: AppContext, { role, holder }: Assignment, { roles }: RightsHolder): Change {
  if (roles.length >= MOST_ROLES) {
    throw new DomainError('conflict', `nobody has more than ${MOST_ROLES} roles`);
  }
  const miss = new DomainError('conflict', 'roles were changed meanwhile: read them again');
  return { do: 'assign_role', role, holder, most: MOST_ROLES, at: clock.now(), miss };
}

function unassigning({ role, holder }: Assignment): Change {
  const miss = new DomainError('not_found', 'the role is not assigned');
  return { do: 'unassign_role', role, holder, miss };
}
