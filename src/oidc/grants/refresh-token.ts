import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { tokenResponse } from '../../app/issuance.ts';
import { refreshTask } from '../../app/refresh-task.ts';
import { refusing } from '../errors.ts';
import { type GrantContext, readTokenCommand, soleParam } from './token-command.ts';

export const REFRESH_TOKEN = 'refresh_token';

export const refreshTokenParameters = [REFRESH_TOKEN, 'scope', 'resource', 'code_verifier'];

/** OAuth 2.1 §4.3: one handler for the families of people and of agents, with rotation and a grace window. */
export function refreshTokenGrant(grant: GrantContext) {
  return async (ctx: Context): Promise<void> => {
    const refreshToken = soleParam(ctx, REFRESH_TOKEN);
    if (refreshToken === undefined) throw new errors.InvalidRequest('refresh_token is missing');
    const issued = await refusing('token', async () =>
      refreshTask(grant.context, { ...(await readTokenCommand(grant, ctx)), refreshToken }),
    );
    ctx.body = tokenResponse(grant.context, issued);
  };
}
