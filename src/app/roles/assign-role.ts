import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { MOST_ROLES, type RightsHolder, type RoleHolder } from '../../domain/role.ts';
import type { User } from '../../domain/user.ts';
import { findAgent, notEndedSince } from '../agents/find-agent.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { Change, Guard } from '../unit-of-work.ts';
import { findUser } from '../users/find-user.ts';
import { findRole } from './find-role.ts';

interface Assignment<Holder> {
  readonly caller: Caller;
  readonly role: string;
  readonly holder: RoleHolder;
  readonly before: Holder;
  /** What must still be so of whoever gets a role. */
  readonly guards: readonly Guard[];
  /** Reads the holder again: one that was deleted meanwhile, too. */
  readAgain(): Promise<Holder>;
}

type Target = 'assigned' | 'unassigned';

/**
 * Gives an agent a role, or takes it: its ceiling is what it was given itself and what its roles hold.
 * @throws DomainError `not_found`, `conflict`.
 */
export async function changeRoleOfAgent(
  context: AppContext,
  to: Target,
  { caller, role, clientId }: { caller: Caller; role: string; clientId: string },
): Promise<Agent> {
  const before = await findAgent(context, clientId);
  return change(context, to, {
    caller,
    role,
    holder: { kind: 'agent', id: clientId },
    before,
    guards: [notEndedSince(before)],
    readAgain: () => findAgent(context, clientId, { includeDeleted: true }),
  });
}

/**
 * Gives a person a role, or takes it: a person may delegate what was given to the person and what the roles hold.
 * @throws DomainError `not_found`, `conflict`.
 */
export async function changeRoleOfUser(
  context: AppContext,
  to: Target,
  { caller, role, userId }: { caller: Caller; role: string; userId: string },
): Promise<User> {
  return change(context, to, {
    caller,
    role,
    holder: { kind: 'user', id: userId },
    before: await findUser(context, userId),
    guards: [],
    readAgain: () => findUser(context, userId),
  });
}

async function change<Holder extends RightsHolder>(
  context: AppContext,
  to: Target,
  assignment: Assignment<Holder>,
): Promise<Holder> {
  const { caller, role, before, guards, readAgain } = assignment;
  const { kind, id } = assignment.holder;
  const { permissions } = await findRole(context, role);
  if (to === 'assigned' && holds(before, role)) return before;
  const step = to === 'assigned' ? assigning(context, assignment) : unassigning(assignment);
  const unit = unitOf(context, caller, [step], {
    type: to === 'assigned' ? 'role_assigned' : 'role_unassigned',
    ...(kind === 'agent' ? { clientId: id } : { userId: id }),
    details: { role, permissions },
  });
  const committed = context.store.commit({
    ...unit,
    guards: [...unit.guards, ...(to === 'assigned' ? guards : [])],
  });
  await committed.catch(async (error: unknown) => {
    // Somebody else may have assigned it at the same moment: then it is as it was asked to be.
    if (to === 'unassigned' || error !== step.miss || !holds(await readAgain(), role)) throw error;
  });
  return readAgain();
}

function holds({ roles }: RightsHolder, role: string): boolean {
  return roles.some(({ name }) => name === role);
}

function assigning({ clock }: AppContext, { role, holder, before }: Assignment<RightsHolder>) {
  if (before.roles.length >= MOST_ROLES) {
    throw new DomainError('conflict', `nobody has more than ${MOST_ROLES} roles`);
  }
  const miss = new DomainError('conflict', 'roles were changed meanwhile: read them again');
  return { do: 'assign_role', role, holder, most: MOST_ROLES, at: clock.now(), miss } satisfies Change;
}

function unassigning({ role, holder }: Pick<Assignment<RightsHolder>, 'role' | 'holder'>) {
  const miss = new DomainError('not_found', 'the role is not assigned');
  return { do: 'unassign_role', role, holder, miss } satisfies Change;
}
