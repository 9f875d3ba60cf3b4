import { DomainError } from '../../domain/errors.ts';
import { parseScope } from '../../domain/scope.ts';
import type { User } from '../../domain/user.ts';
import { type Caller, type Fact, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { checkText } from '../display-text.ts';
import type { Change } from '../unit-of-work.ts';
import { checkEmail, checkPassword } from './user-fields.ts';

export const USER_NAME_LENGTH = { min: 1, max: 100 };

export interface CreateUserCommand {
  readonly caller: Caller;
  readonly email: string;
  readonly name: string;
  readonly password: string;
  /** What the person may delegate; may contain wildcards. */
  readonly permissions: readonly string[];
}

/** @throws DomainError `parameter_invalid`, or `conflict` when the address has a user already. */
export async function createUser(context: AppContext, command: CreateUserCommand): Promise<User> {
  const permissions = parseScope(command.permissions.join(' '));
  const { user, change, fact } = await planUser(context, { ...command, permissions });
  await context.store.commit(unitOf(context, command.caller, [change], fact));
  return user;
}

/** A user to be stored, with what is told of it. @throws DomainError as `createUser`. */
export async function planUser(
  context: AppContext,
  command: Omit<CreateUserCommand, 'caller'>,
): Promise<{ user: User; change: Change; fact: Fact }> {
  const user: User = {
    // S14: the prefix keeps users and clients apart in `sub`.
    userId: `usr_${context.ids.next()}`,
    email: checkEmail(command.email),
    name: checkText('name', command.name, USER_NAME_LENGTH),
    state: 'active',
    epoch: 0,
    permissions: command.permissions,
    roles: [],
    createdAt: context.clock.now(),
  };
  const taken = new DomainError('conflict', 'a user with this e-mail address exists already');
  const password = checkPassword(command.password);
  // Asked before the hash is computed: a repeated request costs no second of CPU.
  if (await context.store.users.byEmail(user.email)) throw taken;
  const passwordHash = await context.passwords.hash(password);
  const { userId, email, permissions } = user;
  return {
    user,
    change: { do: 'insert_user', user, passwordHash, miss: taken },
    fact: { type: 'user_created', userId, details: { email, permissions } },
  };
}
