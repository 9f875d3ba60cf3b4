import type { Context, Middleware } from 'koa';
import { ROUTES } from '../routes.ts';

/**
 * For the engine's own pages: forms that a script of theirs sends on (`response_mode=form_post`, signing out without a
 * session). The engine adds the digest of that one script where `script-src` stands; `'report-sample'` permits nothing
 * by itself. Nothing is said of `form-action`: such a form leads to the client. Pages of ours replace this (page.ts).
 */
const POLICY = "default-src 'none'; script-src 'report-sample'; base-uri 'none'; frame-ancestors 'none'";

const PREFIXES = [ROUTES.authorization, ROUTES.end_session, '/interaction'];

/** Headers of what a browser meets on its way through an authorization: pages and redirects alike. */
export function browserHeaders(): Middleware {
  return (ctx, next) => {
    if (isForBrowsers(ctx)) {
      ctx.set('Content-Security-Policy', POLICY);
      // `same-origin` on any step, redirects included, would cut an application off from the pop-up it opened.
      ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none');
    }
    return next();
  };
}

function isForBrowsers({ path }: Context): boolean {
  return PREFIXES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}
