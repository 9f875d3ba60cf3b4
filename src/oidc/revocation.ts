import type { Middleware } from 'koa';
import type { AppContext } from '../app/context.ts';
import { revokeToken } from '../app/revoke-token.ts';
import { engineClient } from './internals.ts';
import { presentToken } from './presented-token.ts';
import { ROUTES } from './routes.ts';
import { requestState } from './request-state.ts';

const REASON_MAX = 500;

/**
 * RFC 7009 around the engine's endpoint. An unknown token and another client's are answered alike: 200, nothing
 * revoked (S19).
 */
export function revocation(context: AppContext): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== ROUTES.revocation) return next();
    const form = ctx.state.oauthBody as URLSearchParams;
    const reason = form.get('reason');
    if (reason !== null && reason.length > REASON_MAX) {
      ctx.status = 400;
      ctx.body = {
        error: 'invalid_request',
        error_description: `reason may have at most ${REASON_MAX} characters`,
      };
      return;
    }
    presentToken(context, ctx);
    await next();
    if (ctx.status !== 200) return;
    const state = requestState(ctx);
    const target = state.revocationAllowed ? await state.presentedToken() : undefined;
    ctx.body = target
      ? await revokeToken(context, {
          caller: { actor: engineClient(ctx).clientId, origin: state.origin },
          target,
          reason,
          revokeChildren: form.get('revoke_children') !== 'false',
        })
      : { revoked: false };
  };
}
