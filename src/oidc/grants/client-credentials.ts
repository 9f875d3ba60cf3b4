import { errors } from 'oidc-provider';
import { tokenResponse } from '../../app/issuance/issuance.ts';
import { requestTaskToken } from '../../app/issuance/request-task-token.ts';
import { TASK_PARAMETERS } from '../task-parameters.ts';
import { commandOf, type Grant, soleParam } from './token-request.ts';

export const CLIENT_CREDENTIALS = 'client_credentials';

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

/** RFC 6749 §4.4 with tasks: PKCE binds the task to the process that opened it (R7). */
export const clientCredentials: Grant = async (context, request) => {
  // A public client would get tokens with no credential at all (RFC 6749 §4.4: confidential clients only).
  if (request.publicClient) {
    throw new errors.UnauthorizedClient('a public client cannot use client_credentials');
  }
  const parentToken = soleParam(request, 'parent_token');
  const issued = await requestTaskToken(context, { ...commandOf(context, request), parentToken });
  return tokenResponse(context, issued);
};
