import type { Context } from 'koa';
import type { InteractionResults } from 'oidc-provider';
import { type Fact, unitOf } from '../../app/audit/audit-trail.ts';
import type { DomainError } from '../../domain/errors.ts';
import { OAuthRefusal } from '../errors.ts';
import { handOverPage } from '../views/hand-over-page.ts';
import { sendPage } from '../views/page.ts';
import { answerRequest } from './answer-request.ts';
import type { InteractionsOptions } from './options.ts';
import { callerOf, type Pending } from './pending.ts';

/**
 * Gives the engine the result and sends the browser on to it, and from there to the client. A browser gets a page of
 * its own for that (see hand-over-page.ts); whatever does not say that it navigates gets the plain redirect, and so
 * does a private scheme, where an application and no further redirect waits (see open-application.ts).
 */
export async function leave(
  { provider }: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  result: InteractionResults,
): Promise<void> {
  const url = await provider().interactionResult(ctx.req, ctx.res, result);
  const navigates = ctx.get('Sec-Fetch-Dest') === 'document';
  if (navigates && /^https?:/.test(pending.redirectUri)) {
    sendPage(ctx, handOverPage({ client: pending.client, url }));
    return;
  }
  seeOther(ctx, url);
}

/** 303: the method always becomes GET, so no form is ever sent on (RFC 9700 §4.12). */
export function seeOther(ctx: Context, url: string): void {
  ctx.status = 303;
  ctx.redirect(url);
  ctx.set('Cache-Control', 'no-store');
}

const DECLINED = 'declined';

/**
 * Ends the request with `access_denied` (RFC 6749 §4.1.2.1).
 * @throws PageRefusal 400 when it was allowed before: the client may have been told so already.
 */
export async function deny(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  reason: string,
): Promise<void> {
  const { accountId: userId } = pending;
  const fact = denialOf(pending, reason);
  if (userId === undefined) await recordDenial(options, ctx, pending, fact);
  else
    await answerRequest(options, ctx, pending, {
      userId,
      answer: DECLINED,
      grantId: null,
      changes: [],
      fact,
    });
  await leave(options, ctx, pending, { error: 'access_denied', error_description: reason });
}

/** Ends the request with what the rules say (R11); R9 wants another person's task refused as `access_denied`. */
export async function refuse(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  refusal: DomainError,
): Promise<void> {
  const { error, error_description } = new OAuthRefusal(refusal, 'authorization');
  const fact = denialOf(pending, `${refusal.code}: ${refusal.message}`, refusal.details);
  await recordDenial(options, ctx, pending, fact);
  await leave(options, ctx, pending, {
    error: refusal.code === 'subject_mismatch' ? 'access_denied' : error,
    error_description: error_description ?? refusal.message,
  });
}

/** INVARIANT: the history of a task holds what somebody known did: whoever has not signed in only says of which it was. */
function denialOf(
  { accountId, clientId, params }: Pending,
  reason: string,
  details: Readonly<Record<string, unknown>> = {},
): Fact {
  const asked = typeof params.task_id === 'string' ? params.task_id : null;
  const known = accountId !== undefined;
  return {
    type: 'authorization_denied',
    outcome: 'refused',
    clientId,
    userId: accountId ?? null,
    taskId: known ? asked : null,
    reason,
    details: known || asked === null ? details : { ...details, task_id: asked },
  };
}

async function recordDenial(
  { context, refusals }: InteractionsOptions,
  ctx: Context,
  { accountId }: Pending,
  fact: Fact,
): Promise<void> {
  const caller = callerOf(ctx, accountId ?? null);
  // Nobody has signed in: anyone can do this any number of times (R15).
  if (accountId === undefined) refusals.record(caller, fact);
  else await context.store.commit(unitOf(context, caller, [], fact));
}
