import { setTimeout } from 'node:timers/promises';
import type { Middleware } from 'koa';
import { ROUTES } from './routes.ts';

/** After this, the keys that are known already have to do. */
const WAIT_MS = 1000;

/**
 * Where keys are shown, or an ID token of another node is checked, they are read anew: a node may sign with a key that
 * this one has not noticed yet. Without the store, the known keys are still better than none.
 */
export function freshKeys(follow: () => Promise<void>): Middleware {
  return async (ctx, next) => {
    const wanted =
      ctx.path === ROUTES.jwks || ctx.path === ROUTES.end_session || ctx.query['id_token_hint'] !== undefined;
    if (wanted)
      await Promise.race([follow().catch(() => undefined), setTimeout(WAIT_MS, undefined, { ref: false })]);
    await next();
  };
}
