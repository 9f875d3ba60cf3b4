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

type Target = 'assigned' | 'unassigned';

/**
 * Gives an agent a role, or takes it: its ceiling is what it was given itself and what its roles hold.
 * @throws DomainError `not_found`, `conflict`.
 */
export function changeRoleOfAgent(
  context: AppContext,
  to: Target,
  { caller, role, clientId }: { caller: Caller; role: string; clientId: string },
): Promise<Agent> {
  const holder: RoleHolder = { kind: 'agent', id: clientId };
  return change(context, to, { caller, role, holder }, () => findAgent(context, clientId));
}

/**
 * Gives a person a role, or takes it: a person may delegate what was given to the person and what the roles hold.
 * @throws DomainError `not_found`, `conflict`.
 */
export function changeRoleOfUser(
  context: AppContext,
  to: Target,
  { caller, role, userId }: { caller: Caller; role: string; userId: string },
): Promise<User> {
  const holder: RoleHolder = { kind: 'user', id: userId };
  return change(context, to, { caller, role, holder }, () => findUser(context, userId));
}

async function change<Holder extends RightsHolder>(
  context: AppContext,
  to: Target,
  assignment: Assignment,
  read: () => Promise<Holder>,
): Promise<Holder> {
  const before = await read();
  const { permissions } = await findRole(context, assignment.role);
  if (to === 'assigned' && holds(before, assignment)) return before;
  const step = to === 'assigned' ? assigning(context, assignment, before) : unassigning(assignment);
  const { caller, role } = assignment;
  const { kind, id } = assignment.holder;
  const committed = context.store.commit(
    unitOf(context, caller, [step], {
      type: to === 'assigned' ? 'role_assigned' : 'role_unassigned',
      ...(kind === 'agent' ? { clientId: id } : { userId: id }),
      details: { role, permissions },
    }),
  );
  await committed.catch(async (error: unknown) => {
    // Somebody else may have assigned it at the same moment: then it is as it was asked to be.
    if (to === 'unassigned' || error !== step.miss || !holds(await read(), assignment)) throw error;
  });
  return read();
}

function holds({ roles }: RightsHolder, { role }: Assignment): boolean {
  return roles.some(({ name }) => name === role);
}

function assigning({ clock }: AppContext, { role, holder }: Assignment, { roles }: RightsHolder) {
  if (roles.length >= MOST_ROLES) {
    throw new DomainError('conflict', `nobody has more than ${MOST_ROLES} roles`);
  }
  const miss = new DomainError('conflict', 'roles were changed meanwhile: read them again');
  return { do: 'assign_role', role, holder, most: MOST_ROLES, at: clock.now(), miss } satisfies Change;
}

function unassigning({ role, holder }: Assignment) {
  const miss = new DomainError('not_found', 'the role is not assigned');
  return { do: 'unassign_role', role, holder, miss } satisfies Change;
}
