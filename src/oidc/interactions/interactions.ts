import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { answerUnavailable } from '../unavailable.ts';
import { sendErrorPage } from '../views/error-page.ts';
import { answerConsent, showConsent } from './consent-step.ts';
import { readFormBody } from './form-body.ts';
import { requireFormToken, requireSameOrigin } from './form-token.ts';
import { deny, seeOther } from './leave.ts';
import type { InteractionsOptions } from './options.ts';
import { PageRefusal, requestEnded } from './page-refusal.ts';
import { callerOf, loadPending, type Pending } from './pending.ts';
import { showSignIn, signIn } from './sign-in-step.ts';

type Answer = (
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  form: URLSearchParams,
) => Promise<void> | void;

/** What a person can do at `/interaction/:uid/<name>`. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  login: signIn,
  consent: (options, ctx, pending, form) => {
    if (pending.interaction.prompt.name !== 'consent') throw requestEnded();
    return answerConsent(options, ctx, pending, form);
  },
  abort: (options, ctx, pending) => deny(options, ctx, pending, 'the person declined'),
};

const PATH = /^\/interaction\/([^/]+)(?:\/([^/]+))?$/;

/** The pages on which a person signs in and decides what an agent may do in their name. */
export function createInteractions(options: InteractionsOptions): Middleware {
  return async (ctx, next) => {
    const [, uid, action] = PATH.exec(ctx.path) ?? [];
    if (uid === undefined) return next();
    try {
      if (action === undefined) await show(options, ctx, uid);
      else await answer(options, ctx, uid, action);
    } catch (error) {
      fail(options, ctx, error);
    }
    return undefined;
  };
}

async function show(options: InteractionsOptions, ctx: Context, uid: string): Promise<void> {
  requireMethod(ctx, 'GET', 'HEAD');
  const pending = await loadPending(options, ctx, uid);
  const asksConsent = pending.interaction.prompt.name === 'consent' && ctx.query.account !== 'other';
  if (asksConsent) await showConsent(options, ctx, pending);
  else showSignIn(options, ctx, pending);
}

async function answer(
  options: InteractionsOptions,
  ctx: Context,
  uid: string,
  action: string,
): Promise<void> {
  const step = Object.hasOwn(ANSWERS, action) ? ANSWERS[action] : undefined;
  if (!step)
    throw new PageRefusal({ status: 404, title: 'Not found', message: 'There is nothing at this address.' });
  // A page that answers a form stands at this address, until a browser loads it anew.
  if (['GET', 'HEAD'].includes(ctx.method)) return seeOther(ctx, `/interaction/${uid}`);
  requireMethod(ctx, 'GET', 'HEAD', 'POST');
  requireSameOrigin(options, ctx);
  const form = await readFormBody(ctx);
  requireFormToken(options, ctx, uid, form.get('form_token') ?? '');
  await step(options, ctx, await loadPending(options, ctx, uid), form);
}

function requireMethod(ctx: Context, ...methods: readonly string[]): void {
  if (methods.includes(ctx.method)) return;
  const allow = methods.join(', ');
  throw new PageRefusal({
    status: 405,
    title: 'This address cannot be used like that',
    message: `It answers ${allow} only.`,
    headers: { Allow: allow },
  });
}

/** People get a page whatever happens; what nobody foresaw says nothing about itself. */
function fail(options: InteractionsOptions, ctx: Context, error: unknown): void {
  if (answerUnavailable(ctx, error)) return;
  const { page } = asRefusal(error);
  sendErrorPage(ctx, page);
  const caller = callerOf(ctx, null);
  if (page.status >= 500) {
    options.context.log.error('interaction failed', {
      request_id: caller.origin.requestId,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  // Forged forms and failures are worth remembering; requests that came too late happen all day.
  if (page.status === 500) options.refusals.record(caller, { type: 'server_error', outcome: 'error' });
  if (page.status === 403) options.refusals.record(caller, { type: 'request_refused', reason: page.message });
}

function asRefusal(error: unknown): PageRefusal {
  if (error instanceof PageRefusal) return error;
  if (error instanceof errors.SessionNotFound) return requestEnded();
  return new PageRefusal({
    status: 500,
    title: 'Something went wrong',
    message: 'The server failed to answer.',
    advice: 'Try again. If it happens again, tell whoever runs this server the request id below.',
  });
}
