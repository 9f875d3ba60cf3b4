import type { Context, Middleware } from 'koa';
import type { AppContext } from '../app/context.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import { type ResolvedToken, resolveToken } from '../app/tokens/resolve-token.ts';
import { covers } from '../domain/scope.ts';
import { ROUTES } from './routes.ts';
import { requestState } from './request-state.ts';

export const VERIFY_PATH = '/api/oauth/verify';

/**
 * `POST /api/oauth/verify`: introspection's rules and authentication (R13), answered as yes or no for the task context
 * that the caller states.
 */
export function verification({
  context,
  refusals,
}: {
  context: AppContext;
  refusals: RefusalRecorder;
}): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || ctx.path !== VERIFY_PATH) return next();
    ctx.path = ROUTES.introspection;
    try {
      await next();
    } finally {
      ctx.path = VERIFY_PATH;
    }
    const answered = requestState(ctx).introspection;
    if (!answered) return;
    const info = ctx.body as Record<string, unknown>;
    const active = info.active === true;
    const found = active ? answered.found : undefined;
    const checks = found ? await contextChecks(context, ctx, found) : failedChecks(ctx);
    ctx.body = { is_valid: active, ...checks, ...(active ? { token_info: info } : {}) };
    const { clientId } = answered.agent;
    const reason = refusedBecause(active, checks);
    refusals.record(
      { actor: clientId, origin: requestState(ctx).origin },
      {
        type: 'tool_access_valid' in checks ? 'tool_access_verification' : 'token_verification',
        outcome: reason === null ? 'success' : 'refused',
        reason,
        clientId,
        ...(found ? { tokenId: found.token.tokenId, taskId: found.task.taskId } : {}),
        details: checks,
      },
    );
  };
}

function refusedBecause(active: boolean, checks: Checks): string | null {
  if (!active) return 'inactive, or not visible to the caller';
  const failed = Object.keys(checks).filter((name) => checks[name] === false);
  return failed.length > 0 ? `not so: ${failed.join(', ')}` : null;
}

interface Checks extends Record<string, boolean> {
  readonly task_context_valid: boolean;
  readonly parent_valid: boolean;
  readonly scope_inheritance_valid: boolean;
  /** Only when a `tool` was named: whether the token may use it. */
  readonly tool_access_valid?: boolean;
}

function failedChecks(ctx: Context): Checks {
  const asksForTool = (ctx.state.oauthBody as URLSearchParams).has('tool');
  return {
    task_context_valid: false,
    parent_valid: false,
    scope_inheritance_valid: false,
    ...(asksForTool ? { tool_access_valid: false } : {}),
  };
}

/** What is not stated is not in contradiction; what is stated must be exactly so. */
async function contextChecks(
  context: AppContext,
  ctx: Context,
  { token, task }: ResolvedToken,
): Promise<Checks> {
  const form = ctx.state.oauthBody as URLSearchParams;
  const taskId = form.get('task_id');
  const parentTaskId = form.get('parent_task_id');
  const parentToken = form.get('parent_token');
  const tool = form.get('tool');
  const parent =
    parentToken === null
      ? await recordedParent(context, token.parentTokenId)
      : await live(context, parentToken);
  const claimedParent =
    parentToken === null || (parent !== undefined && parent.tokenId === token.parentTokenId);
  return {
    task_context_valid: taskId === null || taskId === task.taskId,
    parent_valid: claimedParent && (parentTaskId === null || parentTaskId === task.parentTaskId),
    scope_inheritance_valid:
      token.parentTokenId === null || (parent !== undefined && covers(parent.scope, token.scope)),
    ...(tool === null ? {} : { tool_access_valid: covers(token.tools, [tool]) }),
  };
}

async function recordedParent({ store }: AppContext, tokenId: string | null) {
  return tokenId === null ? undefined : store.tokens.byId(tokenId);
}

async function live(context: AppContext, value: string) {
  const found = await resolveToken(context, value);
  return found?.liveness === 'live' ? found.token : undefined;
}
