import type { Context } from 'koa';
import type { AppContext } from '../../app/context.ts';
import { type ResolvedToken, resolveValue } from '../../app/tokens/resolve-token.ts';
import { onRemembered, rereading } from '../../app/remembered-registry.ts';
import { mayIntrospect } from '../../app/tokens/token-visibility.ts';
import type { Agent } from '../../domain/agent.ts';
import { formatScope } from '../../domain/scope.ts';
import { agentTaskDetails } from '../../app/issuance/agent-task-details.ts';
import { type EngineLimits, limitClient } from '../rate-limit.ts';
import { taskMembers } from '../task-members.ts';
import { CLIENT_PARAMETERS, clientBySecret, readSecret } from './client-secret.ts';
import { readParameters } from './parameters.ts';

const NAMES = new Set(['token', 'token_type_hint', ...CLIENT_PARAMETERS]);

/**
 * RFC 7662 for a caller with a client secret, who is what resource servers are. Undefined: left to the engine. The
 * members are those of the engine's answer, in its order.
 */
export async function directIntrospection(
  context: AppContext,
  ctx: Context,
  limits: EngineLimits | undefined,
): Promise<{ agent: Agent; found: ResolvedToken | undefined } | undefined> {
  const params = readParameters(ctx.state.oauthBody as URLSearchParams, NAMES);
  const value = params?.['token'];
  const credentials = params && readSecret(ctx, params);
  if (!credentials || typeof value !== 'string') return undefined;
  const { registry } = context.store;
  const view = await registry.remembered();
  const caller = await clientBySecret(onRemembered(context, view), ctx, credentials);
  if (!caller) return undefined;
  if (limits) {
    const reread = rereading(context, view, caller.clientId);
    await limitClient(limits, ctx, { agent: caller, isPublic: false, reread });
  }
  const { found, registry: version } = await resolveValue(context, value);
  // Asked where it has changed, too: that is how a node gets to know what is registered now.
  const current = version === view.version || (await registry.isCurrent(view.version));
  const [agent, on] = current
    ? [caller, onRemembered(context, view)]
    : [await clientBySecret(context, ctx, credentials), context];
  if (!agent) return undefined;
  const visible = found?.liveness === 'live' && (await mayIntrospect(on, agent, found));
  ctx.set('cache-control', 'no-store');
  ctx.body = visible ? activeToken(context, found) : { active: false };
  return { agent, found };
}

function activeToken(context: AppContext, found: ResolvedToken): Record<string, unknown> {
  const { token, task } = found;
  const { keyThumbprint } = token;
  return {
    active: true,
    // The engine's refresh tokens carry nothing of their own.
    ...(token.kind === 'refresh' ? {} : taskMembers(context, found)),
    client_id: token.clientId,
    exp: Math.floor(token.expiresAt / 1000),
    iat: Math.floor(token.issuedAt / 1000),
    iss: context.settings.issuer,
    jti: token.tokenId,
    ...(token.audience === null ? {} : { aud: token.audience }),
    ...(token.detailed ? { authorization_details: [agentTaskDetails(token, task)] } : {}),
    ...(token.scope.length > 0 ? { scope: formatScope(token.scope) } : {}),
    ...(keyThumbprint === null ? {} : { cnf: { jkt: keyThumbprint } }),
    ...(token.kind === 'refresh' ? {} : { token_type: keyThumbprint === null ? 'Bearer' : 'DPoP' }),
  };
}
