import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { defaultAudiences, resolveAudiences, stillRegistered } from '../app/resource-servers/audiences.ts';
import type { AppContext } from '../app/context.ts';
import { resolveToken } from '../app/tokens/resolve-token.ts';
import { DomainError } from '../domain/errors.ts';
import { rightsOf } from '../domain/identity-scope.ts';
import { formatScope, parseScope } from '../domain/scope.ts';
import { readAgentTask } from './agent-task-object.ts';
import { wantsIdentityOnly } from './authorization-request.ts';
import { requireAgent } from './clients.ts';
import { OAuthRefusal, refusing } from './errors.ts';
import { engineParams } from './internals.ts';
import { requestState } from './request-state.ts';

/**
 * What the engine asks about a `resource`. Scopes are the task engine's business, so every requested right passes here;
 * tokens that the engine itself makes are never used (grants/authorization-code.ts).
 */
export function resourceServerInfo(context: AppContext) {
  return async (ctx: unknown, resource: string) => {
    try {
      const [found] = await resolveAudiences(context, [resource]);
      if (!found) throw new errors.InvalidTarget();
      const { scope } = engineParams(ctx as Context);
      return {
        // Identity scopes are the engine's own; a resource server has no say in them.
        scope: typeof scope === 'string' ? formatScope(rightsOf(parseScope(scope))) : '',
        audience: found.audience,
        accessTokenFormat: 'opaque' as const,
      };
    } catch (error) {
      if (error instanceof DomainError) throw new OAuthRefusal(error, 'authorization');
      throw error;
    }
  };
}

/**
 * S12: the default resource; with several granted ones the first. The engine wants one for every request with
 * `authorization_details`, which may name their own; a task below another one has its parent's (R1).
 */
export function defaultResource(context: AppContext) {
  return async (
    ctx: unknown,
    _client: unknown,
    oneOf?: readonly string[],
  ): Promise<string | string[] | undefined> => {
    if (oneOf) return oneOf[0];
    const { scope, authorization_details: details, parent_token: parent } = engineParams(ctx as Context);
    if (typeof details === 'string') {
      const { locations } = await refusing('token', () => readAgentTask(details));
      if (locations) return [...locations];
    }
    if (wantsIdentityOnly(scope)) return undefined;
    const inherited = typeof parent === 'string' ? await audiencesOf(context, ctx as Context, parent) : [];
    requestState(ctx as Context).resourceDefaulted = inherited.length === 0;
    return refusing('authorization', async () => {
      const audiences =
        inherited.length > 0
          ? inherited
          : defaultAudiences(context, await requireAgent(context, ctx as Context));
      return (await stillRegistered(context, audiences)).map(({ audience }) => audience);
    });
  };
}

/** What of a parent token's audiences the agent may use, its `aud` first; none when it is no token. */
async function audiencesOf(context: AppContext, ctx: Context, value: string): Promise<string[]> {
  const parent = await resolveToken(context, value);
  if (!parent) return [];
  const agent = await refusing('authorization', () => requireAgent(context, ctx));
  const { audience, audiences } = parent.token;
  const ordered = [...audiences].sort((a, b) => Number(b === audience) - Number(a === audience));
  return ordered.filter((name) => agent.audiences === null || agent.audiences.includes(name));
}
