import type { AuditEventType } from '../../domain/audit-event.ts';
import { DomainError } from '../../domain/errors.ts';
import type { User } from '../../domain/user.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findUser } from './find-user.ts';
import { userChanges } from './update-user.ts';

/** `signed_out` leaves the person active and ends everything authorised so far. */
export type UserTarget = 'active' | 'disabled' | 'signed_out';

export interface ChangeUserStateCommand {
  readonly caller: Caller;
  readonly userId: string;
  readonly to: UserTarget;
  readonly reason: string | null;
}

const EVENT: Record<UserTarget, AuditEventType> = {
  active: 'user_enabled',
  disabled: 'user_disabled',
  signed_out: 'user_signed_out',
};

/**
 * Enables, disables or signs out a person everywhere. Disabling and signing out end every task that was approved,
 * with one ledger row; enabling revives none (R4).
 * @throws DomainError `not_found`, or `conflict` when the user is in that state already.
 */
export async function changeUserState(context: AppContext, command: ChangeUserStateCommand): Promise<User> {
  const { userId, to, caller, reason } = command;
  const user = await findUser(context, userId);
  if (to === user.state) throw new DomainError('conflict', `the user is ${to} already`);
  const set = {
    ...(to === 'signed_out' ? {} : { state: to }),
    ...(to === 'active' ? {} : { epoch: user.epoch + 1 }),
  };
  await context.store.commit(
    unitOf(context, caller, userChanges(context, caller, user, set, reason), {
      type: EVENT[to],
      userId,
      reason,
      details: { before: user.state, epoch: set.epoch ?? user.epoch },
    }),
  );
  return { ...user, ...set };
}
