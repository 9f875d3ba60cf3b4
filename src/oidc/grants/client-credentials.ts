import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { tokenResponse } from '../../app/issuance.ts';
import { requestTaskToken } from '../../app/request-task-token.ts';
import { refusing } from '../errors.ts';
import { engineClient, isPublicClient } from '../internals.ts';
import { TASK_PARAMETERS } from '../task-parameters.ts';
import { type GrantContext, readTokenCommand, soleParam } from './token-command.ts';

export const CLIENT_CREDENTIALS = 'client_credentials';

/** RFC 6749 §4.4 with tasks: PKCE binds the task to the process that opened it (R7). */
export const clientCredentialsParameters = [
  ...TASK_PARAMETERS,
  'scope',
  'resource',
  'authorization_details',
  'parent_token',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
];

export function clientCredentialsGrant(grant: GrantContext) {
  return async (ctx: Context): Promise<void> => {
    // A public client would get tokens with no credential at all (RFC 6749 §4.4: confidential clients only).
    if (isPublicClient(engineClient(ctx))) {
      throw new errors.UnauthorizedClient('a public client cannot use client_credentials');
    }
    const issued = await refusing('token', async () =>
      requestTaskToken(grant.context, {
        ...(await readTokenCommand(grant, ctx)),
        parentToken: soleParam(ctx, 'parent_token'),
      }),
    );
    ctx.body = tokenResponse(grant.context, issued);
  };
}
