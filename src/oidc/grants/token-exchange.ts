import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { deriveTask } from '../../app/derive-task.ts';
import { handOff } from '../../app/hand-off.ts';
import { type TokenCommand, tokenResponse } from '../../app/issuance.ts';
import { resolveToken } from '../../app/resolve-token.ts';
import { DomainError } from '../../domain/errors.ts';
import { refusing } from '../errors.ts';
import { TASK_PARAMETERS } from '../task-parameters.ts';
import { type GrantContext, readTokenCommand, soleParam } from './token-command.ts';

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
export function tokenExchangeGrant(grant: GrantContext) {
  return async (ctx: Context): Promise<void> => {
    const subjectToken = readSubjectToken(ctx);
    const delegateTo = soleParam(ctx, 'delegate_to');
    const issued = await refusing('token_exchange', async () => {
      const command = withAudience(ctx, await readTokenCommand(grant, ctx));
      await requireOwnActorToken(grant, ctx, command);
      return delegateTo === undefined
        ? deriveTask(grant.context, { ...command, parentToken: subjectToken, origin: 'token_exchange' })
        : handOff(grant.context, { ...command, parentToken: subjectToken, delegateTo });
    });
    ctx.body = { ...tokenResponse(grant.context, issued), issued_token_type: ACCESS_TOKEN };
  };
}

/** @throws InvalidRequest (RFC 8693 §2.1, §2.2.2). */
function readSubjectToken(ctx: Context): string {
  const token = soleParam(ctx, 'subject_token');
  if (token === undefined) throw new errors.InvalidRequest('subject_token is missing');
  const type = soleParam(ctx, 'subject_token_type');
  if (type === undefined || !ACCEPTED_TYPES.includes(type)) {
    throw new errors.InvalidRequest(`subject_token_type must be ${ACCESS_TOKEN}`);
  }
  const requested = soleParam(ctx, 'requested_token_type');
  if (requested !== undefined && !ACCEPTED_TYPES.includes(requested)) {
    throw new errors.InvalidRequest(`requested_token_type must be ${ACCESS_TOKEN}`);
  }
  return token;
}

/** RFC 8693 `audience` is a logical name; here it names the same registered audiences as `resource`. */
function withAudience(ctx: Context, command: TokenCommand): TokenCommand {
  const audience = (ctx as unknown as { oidc: { params: Record<string, string | string[] | undefined> } })
    .oidc.params.audience;
  return audience === undefined
    ? command
    : { ...command, resources: [...command.resources, ...[audience].flat()] };
}

/** R6: the actor is always the authenticated client; an `actor_token` must be its own live token. */
async function requireOwnActorToken(
  { context }: GrantContext,
  ctx: Context,
  { agent }: TokenCommand,
): Promise<void> {
  const value = soleParam(ctx, 'actor_token');
  const type = soleParam(ctx, 'actor_token_type');
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
    actor.token.clientId !== agent.clientId
  ) {
    throw new DomainError(
      'actor_not_permitted',
      'actor_token is not a live token of the authenticated client',
    );
  }
}
