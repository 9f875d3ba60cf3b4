import type { Context } from 'koa';
import { RATE_LIMITED } from '../../app/limits/rate-limit-fields.ts';
import { verifyCredentials } from '../../app/users/sign-in.ts';
import { normaliseEmail } from '../../domain/email-address.ts';
import type { User } from '../../domain/user.ts';
import type { SignedIn } from '../records/account-epochs.ts';
import { formTargets } from '../views/form-targets.ts';
import { sendPage } from '../views/page.ts';
import { type SignInProblem, signInPage } from '../views/sign-in-page.ts';
import { issueFormToken } from './form-token.ts';
import { knownBrowser, rememberBrowser } from './known-browser.ts';
import { seeOther } from './leave.ts';
import type { InteractionsOptions } from './options.ts';
import { callerOf, type Pending } from './pending.ts';

/** RFC 5321 §4.5.3.1.3: no address is longer. */
const EMAIL_MAX = 254;

/** GET: the form, with the address filled in that `login_hint` names. */
export function showSignIn(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  more: { email?: string; problem?: SignInProblem } = {},
): void {
  const { path, client, redirectUri, params } = pending;
  const hint = typeof params.login_hint === 'string' ? params.login_hint.slice(0, EMAIL_MAX) : '';
  sendPage(
    ctx,
    signInPage({
      path,
      client,
      formToken: issueFormToken(options, ctx, pending),
      formTargets: formTargets(redirectUri),
      email: more.email ?? hint,
      problem: more.problem,
    }),
  );
}

/** POST: checks the password and lets the engine open the session. What went wrong is never told (it may be guessed). */
export async function signIn(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  form: URLSearchParams,
): Promise<void> {
  const email = normaliseEmail(form.get('email') ?? '').slice(0, EMAIL_MAX);
  const password = form.get('password') ?? '';
  const showAgain = (problem: SignInProblem) => showSignIn(options, ctx, pending, { email, problem });
  if (email === '' || password === '') return showAgain(missing(email, password));

  const caller = callerOf(ctx, null);
  const known = await knownBrowser(options, ctx, email);
  const attempt = { email, sourceIp: caller.origin.sourceIp, knownBrowser: known };
  const wait = await options.throttle.attempt(attempt);
  if (wait !== undefined) {
    options.refusals.record(caller, {
      type: 'user_sign_in_failed',
      clientId: pending.clientId,
      reason: RATE_LIMITED,
    });
    return showAgain(throttled(wait));
  }
  const { user } = await verifyCredentials(options.context, { caller, email, password }).catch(
    async (error: unknown) => {
      await options.throttle.undecided(attempt);
      throw error;
    },
  );
  if (!user) return showAgain(WRONG);
  await options.throttle.succeeded(attempt);
  if (known === undefined) rememberBrowser(options, ctx, user);
  await endOtherSession(options, ctx, pending, user.userId);
  return openSession(options, ctx, user);
}

function missing(email: string, password: string): SignInProblem {
  return {
    status: 422,
    title: 'Something is missing',
    fields: {
      ...(email === '' ? { email: 'Enter your e-mail address' } : {}),
      ...(password === '' ? { password: 'Enter your password' } : {}),
    },
  };
}

const WRONG: SignInProblem = {
  status: 422,
  title: 'You could not be signed in',
  fields: { password: 'The e-mail address or the password is wrong' },
};

function throttled(seconds: number): SignInProblem {
  const minutes = Math.ceil(seconds / 60);
  return {
    status: 429,
    title: `Too many attempts. Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
    headers: { 'Retry-After': String(seconds) },
  };
}

/**
 * Another person takes over this browser: the earlier session ends here, be it of another tab. Left to itself the engine
 * would put a sign-out form in between that only a script submits.
 */
async function endOtherSession(
  { provider }: InteractionsOptions,
  ctx: Context,
  { interaction }: Pending,
  userId: string,
): Promise<void> {
  const { Session } = provider();
  const { session: asked } = interaction;
  for (const session of [await Session.get(ctx), asked && (await Session.findByUid(asked.uid))]) {
    if (session?.accountId !== undefined && session.accountId !== userId) await session.destroy();
  }
  if (asked === undefined || asked.accountId === userId) return;
  interaction.session = undefined;
  await interaction.persist();
}

/** RFC 8176: `pwd`. The engine gives the session a new id, so a planted one is worth nothing. */
async function openSession(
  { context, provider }: InteractionsOptions,
  ctx: Context,
  { userId: accountId, epoch }: User,
): Promise<void> {
  const ts = Math.floor(context.clock.now() / 1000);
  const login: SignedIn = { accountId, amr: ['pwd'], ts, epoch };
  seeOther(ctx, await provider().interactionResult(ctx.req, ctx.res, { login }));
}
