import { DomainError } from '../domain/errors.ts';
import type { User } from '../domain/user.ts';
import type { Session } from './session.ts';

/** By e-mail address or user id. @throws DomainError `not_found`. */
export async function findPerson(store: Session['store'], who: string): Promise<User> {
  const found = who.includes('@')
    ? await store.users.byEmail(who.trim().toLowerCase())
    : await store.users.byId(who);
  if (!found) throw new DomainError('not_found', 'there is no such user');
  return found;
}
