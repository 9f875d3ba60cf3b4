import { DomainError } from '../../domain/errors.ts';
import type { Role } from '../../domain/role.ts';
import type { AppContext } from '../context.ts';

/** @throws DomainError `not_found`. */
export async function findRole({ store }: Pick<AppContext, 'store'>, name: string): Promise<Role> {
  const role = await store.roles.byName(name);
  if (!role) throw unknownRole();
  return role;
}

export function unknownRole(): DomainError {
  return new DomainError('not_found', 'there is no such role');
}
