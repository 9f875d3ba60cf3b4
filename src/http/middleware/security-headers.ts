import helmet from 'koa-helmet';
import type { RequestMiddleware } from '../state.ts';

/** Where answers hold credentials, or what an agent may do at this moment: nobody keeps those. */
const ANSWERS_OF_AGENTS = /^\/(api|agents|auth|data|webhooks|permissions)(\/|$)/;

/**
 * Headers for answers that are data: nothing in them may be run, framed or cached. Pages (sign-in, console) set
 * their own Content-Security-Policy.
 */
export function securityHeaders({ https }: { https: boolean }): RequestMiddleware {
  const headers: RequestMiddleware = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"] },
    },
    strictTransportSecurity: https ? { maxAge: 31_536_000 } : false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  return (ctx, next) => {
    if (ANSWERS_OF_AGENTS.test(ctx.path)) ctx.set('Cache-Control', 'no-store');
    return headers(ctx, next);
  };
}
