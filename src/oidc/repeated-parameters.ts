import type { Middleware } from 'koa';
import { ROUTES } from './routes.ts';
import { VERIFY_PATH } from './verification.ts';

const HINT = 'token_type_hint';
const RELATIONS = ['include_task_history', 'include_children'];

/** What the engine never gets to see repeated, by endpoint: parameters of ours, and the hint. */
const SENT_ONCE: Readonly<Record<string, readonly string[]>> = {
  [ROUTES.introspection]: [HINT, ...RELATIONS],
  [VERIFY_PATH]: [HINT, ...RELATIONS, 'task_id', 'parent_task_id', 'parent_token', 'tool'],
  [ROUTES.revocation]: [HINT, 'reason', 'revoke_children'],
};

/** RFC 6749 §3.2: a parameter is sent once. Of two values, one would be decided about and the other one believed. */
export function repeatedParameters(): Middleware {
  return async (ctx, next) => {
    const form = ctx.state.oauthBody as URLSearchParams | undefined;
    const repeated = SENT_ONCE[ctx.path]?.find((name) => (form?.getAll(name).length ?? 0) > 1);
    if (repeated === undefined) return next();
    ctx.status = 400;
    ctx.set('cache-control', 'no-store');
    ctx.body = { error: 'invalid_request', error_description: `${repeated} must not be provided twice` };
    return undefined;
  };
}
