import type { Context } from 'koa';
import { unitOf } from '../../app/audit/audit-trail.ts';
import type { AppContext } from '../../app/context.ts';
import { DomainError } from '../../domain/errors.ts';
import { consentPage } from '../views/consent-page.ts';
import { sendPage } from '../views/page.ts';
import { approve } from './approve.ts';
import { type ConsentTerms, loadTerms } from './consent-terms.ts';
import { consentView } from './consent-view.ts';
import { issueFormToken } from './form-token.ts';
import { isFixed, saysHowLong } from './identity-scopes.ts';
import { deny, leave, refuse } from './leave.ts';
import { markRequest } from './mark-request.ts';
import type { InteractionsOptions } from './options.ts';
import { callerOf, type Pending } from './pending.ts';

/** GET: what is asked, by whom, and what of it can be granted. */
export async function showConsent(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
): Promise<void> {
  const terms = await orRefusal(options, ctx, pending, () => loadTerms(options.context, pending));
  if (!terms) return;
  await recordRequest(options, ctx, pending, terms);
  show(options, ctx, pending, terms);
}

/** POST: grants what is ticked, if it is still what was shown. */
export async function answerConsent(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  form: URLSearchParams,
): Promise<void> {
  const terms = await orRefusal(options, ctx, pending, () => loadTerms(options.context, pending));
  if (!terms) return;
  const ticked = form.getAll('scope');
  // A server of the release before has not said it.
  const shownSeconds = Number(form.get('seconds') ?? terms.agreedSeconds);
  if (form.get('shown') !== digestOf(options.context, terms) || !isDuration(shownSeconds)) {
    show(options, ctx, pending, terms, ticked);
    return;
  }
  const rights = terms.offered.filter(({ right }) => ticked.includes(right));
  const identity = terms.asked.identity.filter((scope) => isFixed(scope) || ticked.includes(scope));
  if (rights.length === 0 && (terms.asked.rights.length > 0 || identity.every(saysHowLong))) {
    await deny(options, ctx, pending, 'nothing was granted');
    return;
  }
  const agreedSeconds = Math.min(terms.agreedSeconds, shownSeconds);
  const approval = { pending, terms: { ...terms, agreedSeconds }, rights, identity };
  const grantId = await orRefusal(options, ctx, pending, () => approve(options, ctx, approval));
  if (grantId === undefined) return;
  await leave(options, ctx, pending, { consent: { grantId } });
}

function isDuration(seconds: number): boolean {
  return Number.isSafeInteger(seconds) && seconds > 0;
}

/** Undefined when the request was refused, and answered so. */
async function orRefusal<T>(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    await refuse(options, ctx, pending, error);
    return undefined;
  }
}

function show(
  options: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  terms: ConsentTerms,
  ticked?: readonly string[],
): void {
  sendPage(
    ctx,
    consentPage(
      consentView(options, pending, terms, {
        formToken: issueFormToken(options, ctx, pending),
        shown: digestOf(options.context, terms),
        ticked,
      }),
    ),
  );
}

/**
 * Stands for what the person saw: an administrator may change agent, person or parent meanwhile. A server of another
 * release makes the same of it. How long it lasts goes beside it, because it may have become less by itself.
 */
function digestOf({ digests }: AppContext, terms: ConsentTerms): string {
  const { agent, user, offered, unavailable, tools, resources, delegates, asked } = terms;
  return digests.sha256(
    JSON.stringify([
      user.userId,
      agent.name,
      agent.owner,
      agent.maxTaskSeconds,
      offered,
      unavailable,
      tools,
      resources,
      delegates,
      asked,
    ]),
  );
}

/** Once for each request, however often the page is loaded. */
async function recordRequest(
  { context }: InteractionsOptions,
  ctx: Context,
  pending: Pending,
  { user, asked }: ConsentTerms,
): Promise<void> {
  const { clientId, redirectUri } = pending;
  const shown = markRequest(context, pending, { model: 'ShownConsent', userId: user.userId });
  const recorded = context.store.commit(
    unitOf(context, callerOf(ctx, user.userId), [shown], {
      type: 'authorization_requested',
      clientId,
      userId: user.userId,
      taskId: asked.request.taskId,
      parentTaskId: asked.request.parentTaskId,
      details: {
        scope: [...asked.identity, ...asked.rights],
        audiences: asked.audiences,
        tools: asked.request.tools ?? null,
        delegates: asked.request.delegates ?? [],
        parent_token_id: asked.parentTokenId,
        redirect_uri: redirectUri.split('?')[0] ?? '',
      },
    }),
  );
  await recorded.catch((error: unknown) => {
    if (error !== shown.miss) throw error;
  });
}
