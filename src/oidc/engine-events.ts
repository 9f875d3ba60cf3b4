import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import type { AppContext } from '../app/context.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import { recordedPath } from '../app/audit/recorded-path.ts';
import { isRateLimited } from './rate-limit.ts';
import { requestState } from './request-state.ts';
import { answerUnavailable } from './unavailable.ts';

export interface EngineObservers {
  readonly refusals: RefusalRecorder;
  readonly context: Pick<AppContext, 'log'>;
}

interface EngineError {
  readonly error?: string;
  readonly message: string;
  readonly error_description?: string;
  readonly expose?: boolean;
}

/**
 * Records what the engine answers with a redirect or a page, which oauthRefusals never sees. Events are for the record
 * only: the engine does not wait for them.
 */
export function recordEngineEvents(provider: Provider, { refusals, context }: EngineObservers): void {
  provider.on('server_error', (engineContext, error) => {
    const ctx = engineContext as unknown as Context;
    if (!answerUnavailable(ctx, error)) logFailure(context, ctx, error);
  });
  provider.on('authorization.error', (engineContext, error) => {
    const ctx = engineContext as unknown as Context;
    if (isDeclined(ctx, error as EngineError) || isRateLimited(ctx)) return;
    const clientId = clientOf(ctx);
    refusals.record(
      { actor: null, origin: requestState(ctx).origin },
      {
        type: 'authorization_denied',
        clientId,
        userId: userOf(ctx),
        reason: reasonOf(error as EngineError),
        details: { ...requestState(ctx).refusal },
      },
    );
  });
  const signingOutRefused = (engineContext: unknown, error: unknown): void => {
    const ctx = engineContext as Context;
    // What is not a page passes oauthRefusals; what a limit forbade is on record already.
    if (typeof ctx.body !== 'string' || isRateLimited(ctx)) return;
    refusals.record(
      { actor: null, origin: requestState(ctx).origin },
      {
        type: 'request_refused',
        clientId: clientOf(ctx),
        userId: userOf(ctx),
        reason: reasonOf(error as EngineError),
        details: { path: ctx.path },
      },
    );
  };
  provider.on('end_session.error', signingOutRefused);
  provider.on('end_session_confirm.error', signingOutRefused);
  provider.on('end_session_success.error', signingOutRefused);
}

/** What a person or the pages declined, and the engine repeats, is on record already (interactions/leave.ts). */
function isDeclined(ctx: Context, { error }: EngineError): boolean {
  const result = (ctx as unknown as EngineState).oidc?.entities?.Interaction?.result;
  return result?.error !== undefined && result.error === error;
}

function reasonOf({ error: code, message, error_description: description }: EngineError): string {
  return `${code ?? message}: ${description ?? ''}`.slice(0, 500);
}

/** What nobody but the log is told. */
export function logFailure({ log }: Pick<AppContext, 'log'>, ctx: Context, error: unknown): void {
  log.error('request failed', {
    request_id: requestState(ctx).origin.requestId,
    method: ctx.method,
    path: recordedPath(ctx.path),
    error: (error as Partial<Error>)?.stack ?? String(error),
  });
}

interface EngineState {
  readonly oidc?: {
    readonly entities?: {
      readonly Client?: { readonly clientId: string };
      readonly Interaction?: { readonly result?: { readonly error?: string } };
    };
    readonly session?: { readonly accountId?: string };
  };
}

function clientOf(ctx: Context): string | null {
  return (ctx as unknown as EngineState).oidc?.entities?.Client?.clientId ?? null;
}

function userOf(ctx: Context): string | null {
  return (ctx as unknown as EngineState).oidc?.session?.accountId ?? null;
}
