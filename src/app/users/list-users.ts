import type { User } from '../../domain/user.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findUser } from './find-user.ts';
import type { Page, Paged } from '../ports/page.ts';

/** Newest first, for administrators. */
export function listUsers(
  { store }: AppContext,
  { page }: { readonly caller: Caller; readonly page: Page },
): Promise<Paged<User>> {
  return store.users.search(page);
}

/** @throws DomainError `not_found`. */
export function viewUser(
  context: AppContext,
  { userId }: { readonly caller: Caller; readonly userId: string },
): Promise<User> {
  return findUser(context, userId);
}
