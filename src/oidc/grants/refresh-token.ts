import { errors } from 'oidc-provider';
import { tokenResponse } from '../../app/issuance/issuance.ts';
import { refreshTask } from '../../app/issuance/refresh-task.ts';
import { commandOf, type Grant, soleParam } from './token-request.ts';

export const REFRESH_TOKEN = 'refresh_token';

export const refreshTokenParameters = [REFRESH_TOKEN, 'scope', 'resource', 'code_verifier'];

/** OAuth 2.1 §4.3: one handler for the families of people and of agents, with rotation and a grace window. */
export const refresh: Grant = async (context, request) => {
  const refreshToken = soleParam(request, REFRESH_TOKEN);
  if (refreshToken === undefined) throw new errors.InvalidRequest('refresh_token is missing');
  return tokenResponse(context, await refreshTask(context, { ...commandOf(context, request), refreshToken }));
};
