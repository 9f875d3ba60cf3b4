import type { Middleware } from 'koa';
import { ROUTES } from './routes.ts';

/** Where browsers are sent with a request, by GET or by POST. */
export const POSTED_PATHS: readonly string[] = [ROUTES.authorization, ROUTES.end_session];

/** RFC 9110 §4.1: what everybody should take of a URL. Node, and what stands before it, refuse longer ones unread. */
const LONGEST = 8_000;
const TOO_LONG = `the request is too long for a URL of ${LONGEST} characters: push it (RFC 9126)`;

/**
 * OpenID Connect Core §3.1.2.1 and RP-Initiated Logout §2: both endpoints take POST. A form that comes from another site
 * brings none of our cookies (SameSite=Lax), so the browser is sent to ask the same by GET, with them: 303, as RFC 9700
 * §4.12 has it.
 */
export function postedRequest(): Middleware {
  return (ctx, next) => {
    if (ctx.method !== 'POST' || !POSTED_PATHS.includes(ctx.path)) return next();
    const url = `${ctx.path}?${(ctx.state.oauthBody as URLSearchParams).toString()}`;
    ctx.set('Cache-Control', 'no-store');
    if (url.length > LONGEST) {
      ctx.status = 413;
      ctx.body = { error: 'invalid_request', error_description: TOO_LONG };
    } else {
      ctx.status = 303;
      ctx.redirect(url);
    }
    return undefined;
  };
}
