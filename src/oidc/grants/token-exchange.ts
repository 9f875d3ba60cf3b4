import { errors } from 'oidc-provider';
import { deriveTask } from '../../app/issuance/derive-task.ts';
import { handOff } from '../../app/issuance/hand-off.ts';
import type { AppContext } from '../../app/context.ts';
import { type TokenCommand, tokenResponse } from '../../app/issuance/issuance.ts';
import { resolveToken } from '../../app/tokens/resolve-token.ts';
import { DomainError } from '../../domain/errors.ts';
import { TASK_PARAMETERS } from '../task-parameters.ts';
import { commandOf, type Grant, soleParam, type TokenRequest } from './token-request.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ACCEPTED_TYPES = [ACCESS_TOKEN, JWT];

export const tokenExchangeParameters = [
  ...TASK_PARAMETERS,
  'scope',
  'resource',
  'audience',
  'authorization_details',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'delegate_to',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
];

/** RFC 8693: a child task of the subject token's task, or a hand-off token for `delegate_to` (R8). */
export const tokenExchange: Grant = async (context, request) => {
  const parentToken = readSubjectToken(request);
  const delegateTo = soleParam(request, 'delegate_to');
  const command = withAudience(request, commandOf(context, request));
  await requireOwnActorToken(context, request);
  const issued =
    delegateTo === undefined
      ? await deriveTask(context, { ...command, parentToken, origin: 'token_exchange' })
      : await handOff(context, { ...command, parentToken, delegateTo });
  return { ...tokenResponse(context, issued), issued_token_type: ACCESS_TOKEN };
};

/** @throws InvalidRequest (RFC 8693 §2.1, §2.2.2). */
function readSubjectToken(request: TokenRequest): string {
  const token = soleParam(request, 'subject_token');
  if (token === undefined) throw new errors.InvalidRequest('subject_token is missing');
  const type = soleParam(request, 'subject_token_type');
  if (type === undefined || !ACCEPTED_TYPES.includes(type)) {
    throw new errors.InvalidRequest(`subject_token_type must be ${ACCESS_TOKEN}`);
  }
  const requested = soleParam(request, 'requested_token_type');
  if (requested !== undefined && !ACCEPTED_TYPES.includes(requested)) {
    throw new errors.InvalidRequest(`requested_token_type must be ${ACCESS_TOKEN}`);
  }
  return token;
}

/** RFC 8693 `audience` is a logical name; here it names the same registered audiences as `resource`. */
function withAudience({ params }: TokenRequest, command: TokenCommand): TokenCommand {
  const { audience } = params;
  return audience === undefined
    ? command
    : { ...command, resources: [...command.resources, ...[audience].flat()] };
}

/** R6: the actor is always the authenticated client; an `actor_token` must be its own live token. */
async function requireOwnActorToken(context: AppContext, request: TokenRequest): Promise<void> {
  const value = soleParam(request, 'actor_token');
  const type = soleParam(request, 'actor_token_type');
  if (value === undefined) {
    // RFC 8693 §2.1: actor_token_type MUST NOT be included without an actor_token.
    if (type !== undefined) throw new errors.InvalidRequest('actor_token_type without actor_token');
    return;
  }
  if (type === undefined || !ACCEPTED_TYPES.includes(type)) {
    throw new errors.InvalidRequest(`actor_token_type must be ${ACCESS_TOKEN}`);
  }
  const actor = await resolveToken(context, value);
  if (
    actor?.liveness !== 'live' ||
    actor.token.kind !== 'access' ||
    actor.token.clientId !== request.agent.clientId
  ) {
    throw new DomainError(
      'actor_not_permitted',
      'actor_token is not a live token of the authenticated client',
    );
  }
}
