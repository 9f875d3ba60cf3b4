import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import type { AppContext } from '../app/context.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import { childrenOf, historySummary, taskChain } from '../app/tasks/task-relations.ts';
import type { Agent } from '../domain/agent.ts';
import { engineClient, isPublicClient } from './internals.ts';
import { directIntrospection } from './direct/introspection.ts';
import { presentToken } from './presented-token.ts';
import type { EngineLimits } from './rate-limit.ts';
import { ROUTES } from './routes.ts';
import { extendRequestState, requestState } from './request-state.ts';

export interface IntrospectionOptions {
  readonly context: AppContext;
  readonly refusals: RefusalRecorder;
  /** Absent = no limits. */
  readonly limits?: EngineLimits | undefined;
}

/** RFC 7662 around the engine's endpoint: what the engine cannot know about tasks, and the audit. */
export function introspection({ context, refusals, limits }: IntrospectionOptions): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== ROUTES.introspection) return next();
    const answered =
      (await directIntrospection(context, ctx, limits)) ?? (await engineIntrospection(context, ctx, next));
    if (!answered) return;
    extendRequestState(ctx, { introspection: answered });
    const { agent, found } = answered;
    const body = ctx.body as Record<string, unknown>;
    if (body.active === true && found) Object.assign(body, await relations(context, ctx, agent, found));
    refusals.record(
      { actor: agent.clientId, origin: requestState(ctx).origin },
      {
        type: 'token_introspection',
        outcome: body.active === true ? 'success' : 'refused',
        clientId: agent.clientId,
        ...(found
          ? { tokenId: found.token.tokenId, taskId: found.task.taskId, parentTaskId: found.task.parentTaskId }
          : {}),
        reason: body.active === true ? null : inactiveReason(found),
      },
    );
  };
}

/** Any other caller, and every refusal. */
async function engineIntrospection(context: AppContext, ctx: Context, next: () => Promise<unknown>) {
  presentToken(context, ctx);
  await next();
  if (ctx.status !== 200) return undefined;
  return { agent: requireAuthenticated(ctx), found: await requestState(ctx).presentedToken() };
}

/**
 * Introspection needs an authenticated caller (RFC 7662 §2.1), which a public client is not, and one that may act now
 * (R11). Checked for every answer, so that it says nothing about the token.
 */
function requireAuthenticated(ctx: Context): Agent {
  const client = engineClient(ctx);
  const agent = requestState(ctx).agents.get(client.clientId);
  if (isPublicClient(client) || !agent)
    throw new errors.InvalidClientAuth('a public client cannot introspect');
  if (agent.state !== 'active')
    throw new errors.UnauthorizedClient(`agent_not_active: the agent is ${agent.state}`);
  return agent;
}

/** The true reason goes to the audit only: the caller cannot tell a foreign token from an unknown one. */
function inactiveReason(found: ResolvedToken | undefined): string {
  if (!found) return 'unknown';
  return found.liveness === 'live' ? 'not visible to the caller' : found.liveness;
}

/** R13: a resource server sees no siblings, children or history. */
async function relations(context: AppContext, ctx: Context, agent: Agent, { task }: ResolvedToken) {
  if (agent.kind === 'resource_server') return {};
  const form = ctx.state.oauthBody as URLSearchParams;
  return {
    ...(form.get('include_task_history') === 'true'
      ? { task_history: await historySummary(context, task), task_chain: await taskChain(context, task) }
      : {}),
    ...(form.get('include_children') === 'true' ? { children: await childrenOf(context, task) } : {}),
  };
}
