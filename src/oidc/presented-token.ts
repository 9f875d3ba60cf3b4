import type { Context } from 'koa';
import type { AppContext } from '../app/context.ts';
import { type ResolvedToken, resolveToken } from '../app/tokens/resolve-token.ts';
import { extendRequestState } from './request-state.ts';

/**
 * Puts a random handle in the place of the presented token: the engine refuses JWTs at introspection and revocation,
 * and looks the handle up through our adapter once it has authenticated the client. Resolved at most once.
 */
export function presentToken(context: AppContext, ctx: Context): void {
  const form = new URLSearchParams((ctx.state.oauthBody as URLSearchParams).toString());
  const values = form.getAll('token');
  // Absent or repeated: the engine has the right answer for both.
  const [value] = values;
  if (values.length !== 1 || value === undefined || value === '') return;
  const handle = context.ids.secret();
  let resolved: Promise<ResolvedToken | undefined> | undefined;
  extendRequestState(ctx, {
    presentedHandle: handle,
    presentedToken: () => {
      resolved ??= resolveToken(context, value);
      return resolved;
    },
  });
  form.set('token', handle);
  // Our tokens are found under any hint (RFC 7009 §2.1: the hint only speeds the look-up).
  form.delete('token_type_hint');
  ctx.state.engineForm = form;
}
