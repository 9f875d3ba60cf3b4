import type { AppContext } from '../../app/context.ts';
import { exampleApi } from '../../app/resource-servers/example-api.ts';
import { EXAMPLE_API_PATH } from '../../app/resource-servers/own-apis.ts';
import { type ResolvedToken, resolveToken } from '../../app/tokens/resolve-token.ts';
import { stillStands } from '../../app/tokens/still-stands.ts';
import type { Agent } from '../../domain/agent.ts';
import { covers } from '../../domain/scope.ts';
import type { Access, AdminRight, FollowerCaller, RequestCaller } from '../caller.ts';
import { type Challenge, scopeMissing, tokenMissing, tokenRefused } from '../challenge.ts';
import type { RequestContext } from '../state.ts';
import type { ProveResourceServer } from './client-credentials.ts';
import type { AdmitCaller } from './rate-limit.ts';

/** Lets a request in, or throws the Problem that says what is missing. */
export type Authenticate = (ctx: RequestContext, access: Access) => Promise<RequestCaller>;

const CREDENTIALS = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i;

const WHY_DEAD = {
  expired: 'the access token has expired',
  revoked: 'the access token was revoked',
  consumed: 'the access token has been used',
  task_ended: 'the task of the access token has ended',
} as const;

/**
 * Checks access tokens against the ledger at every request (nothing is cached), as RFC 6750 and R13 ask. `admit` is
 * asked as soon as it is settled who calls, before anything else is done for them; `prove` looks at the credentials of
 * resource servers, where those are taken.
 */
export function createAuthenticate(
  context: AppContext,
  admit: AdmitCaller = async () => {},
  prove: ProveResourceServer = async () => undefined,
): Authenticate {
  return async (ctx, access) => {
    if (access === 'anonymous') return admitted(callerOf(context, ctx, undefined));
    const server = access === 'follower' ? await prove(ctx) : undefined;
    if (server) return resourceServerCaller(context, ctx, server);
    const challenge = await challengeFor(context, access);
    const bearer = await acceptToken(context, ctx, challenge);
    if (!bearer && access !== 'optional') throw tokenMissing(challenge);
    if (bearer) {
      ctx.state.bearer = bearer;
      ctx.state.clientId = bearer.token.clientId;
    }
    const caller = await admitted(callerOf(context, ctx, bearer));
    if (!bearer) return caller;
    requireRights(context, bearer, access, challenge);
    return access === 'follower' ? { ...caller, dependencies: bearer.dependencies } : caller;

    async function admitted(caller: RequestCaller): Promise<RequestCaller> {
      await admit(ctx, caller);
      return caller;
    }
  };
}

async function acceptToken(
  context: AppContext,
  ctx: RequestContext,
  challenge: Challenge,
): Promise<ResolvedToken | undefined> {
  const header = ctx.get('Authorization');
  if (header === '') return undefined;
  const credentials = CREDENTIALS.exec(header);
  // Other schemes are no token at all; a token that cannot be read is refused, not taken for none.
  if (!credentials?.[1] || !credentials[2]) {
    if (!/^(Bearer|DPoP)\b/i.test(header)) return undefined;
    throw tokenRefused('the Authorization header cannot be read', challenge);
  }
  const found = await resolveToken(context, credentials[2]);
  if (!found) throw tokenRefused('the access token is not one of this server', challenge);
  const fact = { clientId: found.token.clientId, tokenId: found.token.tokenId, taskId: found.task.taskId };
  if (found.token.kind !== 'access') {
    throw tokenRefused('only access tokens are accepted here', { ...challenge, fact });
  }
  if (found.liveness !== 'live') throw tokenRefused(WHY_DEAD[found.liveness], { ...challenge, fact });
  requireBoundKey(ctx, found, credentials[1].toLowerCase() === 'dpop', { ...challenge, fact });
  return found;
}

/** RFC 9449 §7.1, §7.2: a bound token works only with a proof of its key, and never as a mere bearer token. */
function requireBoundKey(
  ctx: RequestContext,
  { token }: ResolvedToken,
  dpop: boolean,
  options: Parameters<typeof tokenRefused>[1],
): void {
  if (token.keyThumbprint === null && !dpop) return;
  if (token.keyThumbprint === null) {
    throw tokenRefused('the access token is not bound to a key; send it as a Bearer token', options);
  }
  if (!dpop || ctx.state.keyThumbprint !== token.keyThumbprint) {
    throw tokenRefused('the access token is bound to a key; send it as DPoP with a proof of that key', {
      ...options,
      scheme: 'DPoP',
    });
  }
}

function requireRights(
  { settings }: AppContext,
  { token }: ResolvedToken,
  access: Access,
  challenge: Challenge,
): void {
  if (access === 'task' || access === 'optional' || access === 'anonymous') return;
  const audience = access === 'example' ? settings.defaultAudience : settings.adminAudience;
  if (token.audience !== audience) {
    throw tokenRefused(`the access token is not for ${audience}`, challenge);
  }
  const right = access === 'follower' ? 'admin:read' : access;
  if (right !== 'example' && !covers(token.scope, [right])) throw scopeMissing([right], challenge);
}

async function challengeFor(context: AppContext, access: Access): Promise<Challenge> {
  if (access === 'example') {
    const { scopes: scope } = await exampleApi(context);
    return { scope, resourceMetadata: exampleMetadataUrl(context.settings.issuer) };
  }
  if (access === 'follower') return { scope: ['admin:read'], basic: true };
  return access === 'admin:read' || access === 'admin:write' ? { scope: [access] } : {};
}

/** RFC 9728 §3.1: the well-known path stands before the path of the resource. */
function exampleMetadataUrl(issuer: string): string {
  return new URL(`/.well-known/oauth-protected-resource${EXAMPLE_API_PATH}`, issuer).href;
}

function callerOf(
  { settings }: AppContext,
  { state }: RequestContext,
  bearer: ResolvedToken | undefined,
): RequestCaller {
  return {
    actor: bearer?.token.clientId ?? null,
    origin: state.origin,
    standsOn: bearer ? stillStands(bearer) : [],
    bearer,
    administers: (right: AdminRight) =>
      bearer !== undefined &&
      bearer.token.audience === settings.adminAudience &&
      covers(bearer.token.scope, [right]),
  };
}

/** The credentials end with the epoch under which they were accepted. */
function resourceServerCaller(
  context: AppContext,
  ctx: RequestContext,
  { clientId, epoch }: Agent,
): FollowerCaller {
  return {
    ...callerOf(context, ctx, undefined),
    actor: clientId,
    dependencies: [{ kind: 'agent', handle: clientId, epoch }],
  };
}
