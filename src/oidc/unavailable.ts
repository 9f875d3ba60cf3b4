import type { Context } from 'koa';
import { type Unavailability, unavailability } from '../domain/unavailable.ts';
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
  ctx.remove('www-authenticate');
  if (isPage(ctx.path)) {
    sendErrorPage(ctx, unavailablePage(away));
    return true;
  }
  ctx.status = 503;
  ctx.set('retry-after', String(away.retryAfterSeconds));
  ctx.set('cache-control', 'no-store');
  ctx.body = { error: CODE, error_description: away.description };
  return true;
}

function isPage(path: string): boolean {
  return [ROUTES.authorization, ROUTES.end_session, '/interaction'].some(
    (start) => path === start || path.startsWith(`${start}/`),
  );
}

function unavailablePage({ code, retryAfterSeconds }: Unavailability): ErrorPage {
  return {
    status: 503,
    title: code === 'overloaded' ? 'The server is busy' : 'The server cannot answer at the moment',
    message:
      code === 'overloaded'
        ? 'It has more work than it can take. Try again in a moment.'
        : 'Its database does not answer. Nothing is wrong with your request: try again in a moment.',
    code: CODE,
    headers: { 'Retry-After': String(retryAfterSeconds) },
  };
}
