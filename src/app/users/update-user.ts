import { parseScope } from '../../domain/scope.ts';
import type { User } from '../../domain/user.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { USER_NAME_LENGTH } from './create-user.ts';
import { checkText } from '../display-text.ts';
import { findUser, userChanged } from './find-user.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { Change, UserPatch } from '../unit-of-work.ts';
import { checkPassword } from './user-fields.ts';

/** Absent members stay as they are. */
export interface UserEdits {
  readonly name?: string | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly password?: string | undefined;
}

export interface UpdateUserCommand {
  readonly caller: Caller;
  readonly userId: string;
  readonly edits: UserEdits;
}

/**
 * Changes a person's name, permissions or password. Lowered permissions bound what is issued from now on. A new
 * password ends what was authorised under the old one, because the old one may be why it is new.
 * @throws DomainError `not_found`, `parameter_invalid`, `conflict`.
 */
export async function updateUser(
  context: AppContext,
  { caller, userId, edits }: UpdateUserCommand,
): Promise<User> {
  return editUser(context, { caller, user: await findUser(context, userId), edits });
}

export interface EditUserCommand {
  readonly caller: Caller;
  /** As it was when the edits were made from it: one that was read again would hide what came between. */
  readonly user: User;
  readonly edits: UserEdits;
}

/** The same, for edits that follow from what the user was. @throws DomainError as `updateUser`. */
export async function editUser(context: AppContext, { caller, user, edits }: EditUserCommand): Promise<User> {
  const { userId } = user;
  const set = patchOf(user, edits);
  const password = edits.password === undefined ? undefined : checkPassword(edits.password);
  const hash = password === undefined ? {} : { passwordHash: await context.passwords.hash(password) };
  await context.store.commit(
    unitOf(context, caller, userChanges(context, caller, user, { ...set, ...hash }), {
      type: 'user_updated',
      userId,
      details: {
        before: { name: user.name, permissions: user.permissions },
        after: { name: set.name, permissions: set.permissions },
        password_changed: password !== undefined,
      },
    }),
  );
  return { ...user, ...set };
}

/** The row and, when its epoch rises, the ledger row that ends what rests on the user (R4). */
export function userChanges(
  context: AppContext,
  caller: Caller,
  user: User,
  set: UserPatch,
  reason: string | null = null,
): Change[] {
  const { userId, epoch: expectEpoch, name, state, permissions } = user;
  const expect = { name, state, permissions };
  const update: Change = { do: 'update_user', userId, expectEpoch, expect, set, miss: userChanged() };
  if (set.epoch === undefined) return [update];
  const entry = revocationOf(context, caller, { kind: 'user', handle: userId, epoch: set.epoch, reason });
  // The browser sessions go too: nobody comes back in without signing in anew. So do the consents, which have ended.
  return [update, { do: 'revoke', entry }, { do: 'delete_sessions_and_consents', userId }];
}

function patchOf(user: User, { name, permissions, password }: UserEdits): Partial<User> {
  return {
    ...(name === undefined ? {} : { name: checkText('name', name, USER_NAME_LENGTH) }),
    ...(permissions === undefined ? {} : { permissions: parseScope(permissions.join(' ')) }),
    ...(password === undefined ? {} : { epoch: user.epoch + 1 }),
  };
}
