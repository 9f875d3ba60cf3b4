import type { Fact } from '../../app/audit/audit-trail.ts';
import type { Logger } from '../../app/ports.ts';
import type { AuditEventType } from '../../domain/audit-event.ts';
import type { RefusalRecorder } from '../../app/audit/record-refusal.ts';
import { PolicyUnavailableError, unavailability } from '../../domain/unavailable.ts';
import { problemDocument, problemOf } from '../errors.ts';
import type { Problem } from '../problem.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';

/** Turns whatever is thrown further in into an RFC 9457 answer, and tells the audit trail. */
export function problems({ refusals, log }: { refusals: RefusalRecorder; log: Logger }): RequestMiddleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const problem = problemOf(error);
      // The store tells the log of an outage once; the access log counts who met it.
      if (problem.status >= 500 && !unavailability(error)) logFailure(log, ctx, problem, error);
      answer(ctx, problem);
      const fact = factOf(ctx, problem) ?? undecidedFact(ctx, error);
      if (fact) refusals.record(callerOf(ctx), fact);
    }
  };
}

function answer(ctx: RequestContext, problem: Problem): void {
  ctx.status = problem.status;
  ctx.set(problem.headers);
  ctx.set('Cache-Control', 'no-store');
  ctx.body = problemDocument(problem, ctx.state.origin.requestId);
  ctx.type = 'application/problem+json';
}

function logFailure(log: Logger, ctx: RequestContext, problem: Problem, error: unknown): void {
  log.error(problem.status === 503 ? 'request turned away' : 'request failed', {
    request_id: ctx.state.origin.requestId,
    method: ctx.method,
    route: ctx.state.route,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

function callerOf({ state }: RequestContext) {
  return { actor: state.bearer?.token.clientId ?? state.clientId ?? null, origin: state.origin };
}

function refusalType({ state }: RequestContext): AuditEventType {
  return state.issues ? 'token_refused' : 'request_refused';
}

/** What a scanner is told, and nobody who knows what is served here. */
const SCANNED = [404, 405];

/** Paths outside the API are scanned all day long: the access log is enough for those. */
function factOf(ctx: RequestContext, problem: Problem): Fact | undefined {
  const elsewhere = !ctx.path.startsWith('/api/') && !ctx.state.route;
  if (problem.status === 503 || (elsewhere && SCANNED.includes(problem.status))) return undefined;
  const { bearer } = ctx.state;
  return {
    type: problem.status >= 500 ? 'server_error' : refusalType(ctx),
    outcome: problem.status >= 500 ? 'error' : 'refused',
    clientId: bearer?.token.clientId ?? ctx.state.clientId,
    userId: bearer?.task.subjectKind === 'user' ? bearer.task.subject : null,
    tokenId: bearer?.token.tokenId,
    taskId: bearer?.task.taskId,
    reason: problem.code,
    ...problem.fact,
    details: {
      // Which policy refused, and why.
      ...(problem.code === 'policy_denied' ? { policy: problem.members['policy'] } : {}),
      // One code for a token that has expired and one that was revoked, which is worth knowing apart.
      ...(problem.status === 401 || problem.status === 403 ? { why: problem.message } : {}),
      status: problem.status,
      method: ctx.method,
      route: ctx.state.route ?? null,
      ...problem.fact.details,
    },
  };
}

/** Nothing was issued, because a policy could not be decided. */
function undecidedFact(ctx: RequestContext, error: unknown): Fact | undefined {
  if (!(error instanceof PolicyUnavailableError)) return undefined;
  return {
    type: refusalType(ctx),
    outcome: 'refused',
    clientId: ctx.state.bearer?.token.clientId ?? ctx.state.clientId,
    reason: error.code,
    details: {
      policy: [{ name: error.policy, effect: 'deny', reason: error.message }],
      status: 503,
      method: ctx.method,
      route: ctx.state.route ?? null,
    },
  };
}
