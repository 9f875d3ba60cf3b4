import type { Middleware } from 'koa';
import { ROUTES } from './routes.ts';

/** Where browsers are sent with a request, by GET or by POST. */
export const POSTED_PATHS: readonly string[] = [ROUTES.authorization, ROUTES.end_session];

/**
 * OpenID Connect Core §3.1.2.1 and RP-Initiated Logout §2: both endpoints take POST. A form that comes from another site
 * brings none of our cookies (SameSite=Lax), so the browser is sent to ask the same by GET, with them: 303, as RFC 9700
 * §4.12 has it.
 */
export function postedRequest(): Middleware {
  return (ctx, next) => {
    if (ctx.method !== 'POST' || !POSTED_PATHS.includes(ctx.path)) return next();
    ctx.status = 303;
    ctx.set('Cache-Control', 'no-store');
    ctx.redirect(`${ctx.path}?${(ctx.state.oauthBody as URLSearchParams).toString()}`);
    return undefined;
  };
}
