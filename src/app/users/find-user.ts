import { DomainError } from '../../domain/errors.ts';
import { basisOf } from '../../domain/revocation.ts';
import type { User } from '../../domain/user.ts';
import type { AppContext } from '../context.ts';
import type { Guard } from '../unit-of-work.ts';

/** @throws DomainError `not_found`. */
export async function findUser({ store }: Pick<AppContext, 'store'>, userId: string): Promise<User> {
  const user = await store.users.byId(userId);
  if (!user) throw new DomainError('not_found', 'there is no such user');
  return user;
}

/** Neither disabled nor signed out everywhere since the user was read. */
export function notCutOffSince({ userId, epoch }: User): Guard {
  return { live: basisOf({ kind: 'user', handle: userId, epoch }), miss: userChanged() };
}

/** The row changed between reading and committing: the decision was made on what no longer holds. */
export function userChanged(): DomainError {
  return new DomainError('conflict', 'the user was changed meanwhile: read it again');
}
