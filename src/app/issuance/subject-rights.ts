import { heldRights } from '../../domain/role.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Task } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';

/**
 * What the person whom a task acts for may delegate now: what a person has lost bounds everything that is issued from
 * then on. Undefined for a task of an agent that acts for itself.
 */
export async function rightsOfSubject(
  { store }: Pick<AppContext, 'store'>,
  { subject, subjectKind }: Pick<Task, 'subject' | 'subjectKind'>,
): Promise<Scope | undefined> {
  if (subjectKind !== 'user') return undefined;
  const user = await store.users.byId(subject);
  return user ? heldRights(user) : [];
}
