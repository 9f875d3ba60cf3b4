import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import {
  PolicyUnavailableError,
  type Unavailability,
  type UnavailableCode,
  unavailability,
} from '../domain/unavailable.ts';
import { requestState } from './request-state.ts';
import { ROUTES } from './routes.ts';
import { type ErrorPage, sendErrorPage } from './views/error-page.ts';

/**
 * RFC 6749 §4.1.2.1 has this code for redirects, where no status can be told; everywhere else the status tells it, too.
 * The authorization endpoint does not redirect: whoever reloads the page can go on.
 */
const CODE = 'temporarily_unavailable';

/** Answers 503 when the error says that nothing can be done at the moment; false when it says something else. */
export function answerUnavailable(ctx: Context, error: unknown): boolean {
  const away = unavailability(error);
  if (!away) return false;
  if (error instanceof PolicyUnavailableError) rememberUndecided(ctx, error);
  ctx.remove('www-authenticate');
  if (isPage(ctx.path)) {
    keepCookies(ctx);
    sendErrorPage(ctx, unavailablePage(away));
    return true;
  }
  ctx.status = 503;
  ctx.set('retry-after', String(away.retryAfterSeconds));
  ctx.set('cache-control', 'no-store');
  ctx.body =
    away.code === 'policy_unavailable'
      ? { error: CODE, error_description: `${away.code}: ${away.description}`, task_error: away.code }
      : { error: CODE, error_description: away.description };
  return true;
}

interface EngineState {
  readonly oidc?: {
    readonly provider: Pick<Provider, 'cookieName'>;
    readonly session?: { readonly touched?: boolean };
  };
}

/**
 * Whoever reloads the page comes with the cookies that brought them here. The session's alone may be another one: when it
 * was stored under a new id, the one from before is gone.
 */
function keepCookies(ctx: Context): void {
  const { oidc } = ctx as unknown as EngineState;
  const cookies = [(ctx.res.getHeader('set-cookie') ?? []) as string | string[]].flat();
  ctx.remove('set-cookie');
  // The engine takes the mark away as soon as it has stored the session.
  if (!oidc?.session || oidc.session.touched) return;
  const name = oidc.provider.cookieName('session');
  const kept = cookies.filter((cookie) => cookie.startsWith(`${name}=`) || cookie.startsWith(`${name}.sig=`));
  if (kept.length > 0) ctx.set('set-cookie', kept);
}

function isPage(path: string): boolean {
  return [ROUTES.authorization, ROUTES.end_session, '/interaction'].some(
    (start) => path === start || path.startsWith(`${start}/`),
  );
}

/** What the audit trail is told, and nobody else. */
function rememberUndecided(ctx: Context, { policy, message: why }: PolicyUnavailableError): void {
  const state = requestState(ctx);
  state.undecided = { policy, why };
  state.refusal = { policy: [{ name: policy, effect: 'deny', reason: why }] };
}

const MESSAGES: Readonly<Record<UnavailableCode, string>> = {
  overloaded: 'It has more work than it can take. Try again in a moment.',
  database_unavailable:
    'Its database does not answer. Nothing is wrong with your request: try again in a moment.',
  policy_unavailable: 'What decides about this request does not answer. Try again in a moment.',
};

function unavailablePage({ code, retryAfterSeconds }: Unavailability): ErrorPage {
  return {
    status: 503,
    title: code === 'overloaded' ? 'The server is busy' : 'The server cannot answer at the moment',
    message: MESSAGES[code],
    code: CODE,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  };
}
