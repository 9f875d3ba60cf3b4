import type { Role } from '../../domain/role.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';
import type { RoleMember } from '../ports/roles.ts';
import { findRole } from './find-role.ts';

/** Oldest first. */
export function listRoles({ store }: Pick<AppContext, 'store'>, page: Page): Promise<Paged<Role>> {
  return store.roles.search(page);
}

/** Who holds a role, in the order in which it was assigned. @throws DomainError `not_found`. */
export async function listMembers(
  context: Pick<AppContext, 'store'>,
  name: string,
  page: Page,
): Promise<Paged<RoleMember>> {
  await findRole(context, name);
  return context.store.roles.members(name, page);
}
