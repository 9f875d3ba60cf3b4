import type { Middleware } from 'koa';
import type { Fact } from '../app/audit/audit-trail.ts';
import type { AppContext } from '../app/context.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import { revokeToken } from '../app/tokens/revoke-token.ts';
import { checkReason } from '../domain/ids.ts';
import { refusing } from './errors.ts';
import { engineClient } from './internals.ts';
import { presentToken } from './presented-token.ts';
import { ROUTES } from './routes.ts';
import { requestState } from './request-state.ts';

export interface RevocationOptions {
  readonly context: AppContext;
  readonly refusals: RefusalRecorder;
}

/**
 * RFC 7009 around the engine's endpoint. An unknown token and another client's are answered alike: 200, nothing
 * revoked (S19).
 */
export function revocation({ context, refusals }: RevocationOptions): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== ROUTES.revocation) return next();
    const form = ctx.state.oauthBody as URLSearchParams;
    const reason = await refusing('token', () => reasonIn(form));
    presentToken(context, ctx);
    await next();
    if (ctx.status !== 200) return;
    const state = requestState(ctx);
    const caller = { actor: engineClient(ctx).clientId, origin: state.origin };
    const target = await state.presentedToken();
    if (!target || !state.revocationAllowed) {
      refusals.record(caller, refusalFact(caller.actor, target));
      ctx.body = { revoked: false };
      return;
    }
    const revokeChildren = form.get('revoke_children') !== 'false';
    ctx.body = await revokeToken(context, { caller, target, reason, revokeChildren });
  };
}

function reasonIn(form: URLSearchParams): string | null {
  const reason = form.get('reason');
  return reason === null ? null : checkReason(reason);
}

/** The caller is told nothing; the audit trail knows whose token it was. */
function refusalFact(clientId: string, target: ResolvedToken | undefined): Fact {
  return {
    type: 'token_revoked',
    clientId,
    reason: target ? 'not permitted to the caller' : 'unknown',
    ...(target ? { tokenId: target.token.tokenId, taskId: target.task.taskId } : {}),
  };
}
