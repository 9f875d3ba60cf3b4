import type { User } from '../../domain/user.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { reportFailure } from '../audit/report-failure.ts';
import { normaliseEmail } from '../../domain/email-address.ts';

export interface SignInCommand {
  readonly caller: Caller;
  readonly email: string;
  readonly password: string;
}

/** Why is for the audit trail alone: the person is told the same in every case. */
export type SignInResult =
  | { readonly user: User }
  | { readonly user: undefined; readonly refusal: 'unknown_user' | 'wrong_password' | 'disabled' };

/**
 * Checks an e-mail address and a password. One hash is computed whether the address is known or not, so the time
 * tells nothing. Success and failure are recorded; what was typed is not, because it may be a misplaced password.
 */
export async function verifyCredentials(
  context: AppContext,
  { caller, email, password }: SignInCommand,
): Promise<SignInResult> {
  const found = await context.store.users.byEmail(normaliseEmail(email));
  const matches = await context.passwords.verify(password, found?.passwordHash ?? null);
  const refusal = refusalOf(found, matches);
  const userId = found?.userId ?? null;
  const recorded = context.store.commit(
    unitOf(context, { ...caller, actor: refusal ? caller.actor : userId }, [], {
      type: refusal ? 'user_sign_in_failed' : 'user_signed_in',
      outcome: refusal ? 'refused' : 'success',
      userId,
      reason: refusal ?? null,
    }),
  );
  // R15: a refusal is answered even when it cannot be stored; nobody gets in unrecorded.
  await (refusal ? recorded.catch((error) => logLoss(context, error)) : recorded);
  if (refusal || !found) return { user: undefined, refusal: refusal ?? 'unknown_user' };
  const { passwordHash: _, ...user } = found;
  return { user };
}

function refusalOf(found: User | undefined, matches: boolean) {
  if (!found) return 'unknown_user';
  if (!matches) return 'wrong_password';
  return found.state === 'active' ? undefined : 'disabled';
}

function logLoss({ log }: AppContext, error: unknown): void {
  reportFailure(log, 'a failed sign-in could not be stored', error);
}
