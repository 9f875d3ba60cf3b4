import type { Context, Middleware } from 'koa';
import type { Fact } from '../app/audit/audit-trail.ts';
import type { AppContext } from '../app/context.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import { recordedPath } from '../app/audit/recorded-path.ts';
import { TASK_ID } from '../domain/ids.ts';
import { asciiDescription, TASK_ERRORS } from './errors.ts';
import { logFailure } from './engine-events.ts';
import { CLIENT_CREDENTIALS } from './grants/client-credentials.ts';
import { TOKEN_EXCHANGE } from './grants/token-exchange.ts';
import { CLIENT_ENDPOINTS, isRateLimited } from './rate-limit.ts';
import { ROUTES } from './routes.ts';
import { requestState } from './request-state.ts';
import { answerUnavailable } from './unavailable.ts';

interface OAuthError {
  error?: string;
  error_description?: string;
  task_error?: string;
  /** Seconds. */
  retry_after?: number;
}

/** Those with TASK_PARAMETERS. */
const GRANTS_OF_TASKS = [CLIENT_CREDENTIALS, TOKEN_EXCHANGE];

/** What the engine answers for a grant type that the client may not use; RFC 6749 §5.2 wants `unauthorized_client`. */
const NOT_ALLOWED = 'requested grant type is not allowed for this client';

/**
 * The last word on every refusal of the OAuth endpoints: `task_error`, the codes that the engine gets wrong, and the
 * audit event (R15: the refusal is answered even when it cannot be stored).
 */
export function oauthRefusals({
  context,
  refusals,
}: {
  context: AppContext;
  refusals: RefusalRecorder;
}): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!answerUnavailable(ctx, error)) answerThrown(context, ctx, error);
    }
    if (ctx.status === 503) {
      // Nothing was refused, and nobody can write it down; unless it was a policy that could not be decided.
      const fact = undecidedFact(ctx);
      if (fact) refusals.record({ actor: claimedClient(ctx), origin: requestState(ctx).origin }, fact);
      return;
    }
    const body = ctx.body as OAuthError | undefined;
    if (ctx.status < 400 || typeof body?.error !== 'string') return;
    if (ctx.status === 429) body.retry_after = Number(ctx.response.get('retry-after'));
    if (isRateLimited(ctx)) return;
    if (ctx.path === ROUTES.token && body.error_description === NOT_ALLOWED)
      body.error = 'unauthorized_client';
    const taskError = taskErrorOf(body);
    if (taskError) body.task_error = taskError;
    refusals.record(
      { actor: authenticatedClient(ctx), origin: requestState(ctx).origin },
      refusalFact(ctx, body),
    );
  };
}

/** Errors thrown around the engine (by our own steps) are answered as the engine answers its own. */
function answerThrown(context: AppContext, ctx: Context, error: unknown): void {
  const known = error as {
    expose?: boolean;
    statusCode?: number;
    error?: string;
    error_description?: string;
  };
  ctx.set('cache-control', 'no-store');
  if (!known.expose || !known.error) {
    if (ctx.method !== 'POST' || !CLIENT_ENDPOINTS.includes(ctx.path)) throw error;
    logFailure(context, ctx, error);
    ctx.status = 500;
    ctx.body = { error: 'server_error', error_description: 'the server failed' };
    return;
  }
  context.log.debug('refused', { error: known.error, path: recordedPath(ctx.path) });
  ctx.status = known.statusCode ?? 400;
  ctx.body = {
    error: known.error,
    error_description: asciiDescription(known.error_description ?? known.error),
  };
}

const TASK_ERROR = /^([a-z_]+): /;

/** The reason stands at the start of error_description (design §3): the engine passes nothing else on. */
function taskErrorOf(body: OAuthError): string | undefined {
  const reason = TASK_ERROR.exec(body.error_description ?? '')?.[1];
  return reason !== undefined && TASK_ERRORS.has(reason) ? reason : undefined;
}

/** Only a client that got past authentication is an actor; others are named as claimed, in `clientId`. */
function authenticatedClient(ctx: Context): string | null {
  const body = ctx.body as OAuthError;
  return body.error === 'invalid_client' ? null : claimedClient(ctx);
}

function claimedClient(ctx: Context): string | null {
  const entities = (ctx as unknown as { oidc?: { entities?: { Client?: { clientId: string } } } }).oidc
    ?.entities;
  return entities?.Client?.clientId ?? requestState(ctx).directClient ?? null;
}

function refusalFact(ctx: Context, body: OAuthError): Fact {
  const form = ctx.state.oauthBody as URLSearchParams | undefined;
  const { parent_task_id: parent, ...why } = requestState(ctx).refusal ?? {};
  const claimed = claimedTask(form);
  const taskId = typeof parent === 'string' ? parent : asksForTask(ctx, body) ? claimed : null;
  return {
    type: factType(ctx, body),
    outcome: ctx.status >= 500 ? 'error' : 'refused',
    clientId: claimedClient(ctx),
    // A refused child belongs to the history of the task that it was asked of.
    taskId,
    reason: `${body.error}: ${body.error_description ?? ''}`.slice(0, 500),
    details: {
      ...why,
      path: recordedPath(ctx.path),
      ...(claimed !== null && claimed !== taskId ? { task_id: claimed } : {}),
      ...(form?.get('grant_type') ? { grant_type: form.get('grant_type')?.slice(0, 100) } : {}),
      ...(form?.get('scope') ? { scope: form.get('scope')?.slice(0, 500) } : {}),
      ...(form?.get('parent_task_id') ? { parent_task_id: form.get('parent_task_id')?.slice(0, 128) } : {}),
      ...(body.task_error ? { task_error: body.task_error } : {}),
    },
  };
}

function undecidedFact(ctx: Context): Fact | undefined {
  const { undecided } = requestState(ctx);
  if (!undecided) return undefined;
  const { policy, why } = undecided;
  return {
    ...refusalFact(ctx, {
      error: 'policy_unavailable',
      error_description: `the policy ${policy} got no usable answer (${why})`,
      task_error: 'policy_unavailable',
    }),
    type: ctx.path === ROUTES.token ? 'token_refused' : 'authorization_denied',
    outcome: 'refused',
  };
}

/**
 * INVARIANT: the history of a task holds what somebody known asked of it. Whoever has not authenticated, or asks for
 * something that takes no `task_id`, only says so.
 */
function asksForTask({ path, state }: Context, { error }: OAuthError): boolean {
  if (error === 'invalid_client') return false;
  const grant = (state.oauthBody as URLSearchParams | undefined)?.get('grant_type') ?? '';
  return path !== ROUTES.token || GRANTS_OF_TASKS.includes(grant);
}

function claimedTask(form: URLSearchParams | undefined): string | null {
  const claimed = form?.get('task_id') ?? null;
  return claimed !== null && TASK_ID.test(claimed) ? claimed : null;
}

function factType(ctx: Context, { error }: OAuthError): Fact['type'] {
  if (ctx.status >= 500) return 'server_error';
  if (error === 'invalid_client') return 'client_authentication_failed';
  return ctx.path === ROUTES.token ? 'token_refused' : 'request_refused';
}
