import { RATE_LIMITED } from '../../app/limits/rate-limit-fields.ts';
import type { RateLimits } from '../../app/limits/rate-limits.ts';
import type { RateVerdict } from '../../domain/rate-limit.ts';
import type { RequestCaller } from '../caller.ts';
import { isProbe } from '../probes.ts';
import { Problem } from '../problem.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';

const CREDENTIALS = /^(Bearer|DPoP|Basic)\b/i;
const TOKEN = /^(Bearer|DPoP)\b/i;

/**
 * Counts requests of our own API: against the address when they come without credentials, otherwise against the client,
 * by {@link admitCaller} or `guessing`, once these have been accepted. Whatever was counted by nobody is counted when it is over.
 */
export function rateLimit(limits: RateLimits, except: (path: string) => boolean): RequestMiddleware {
  return async (ctx, next) => {
    if (except(ctx.path) || isAnsweredProbe(ctx)) return next();
    const { sourceIp } = ctx.state.origin;
    const authorization = ctx.get('Authorization');
    if (!CREDENTIALS.test(authorization)) {
      admit(ctx, await limits.source(sourceIp));
      return next();
    }
    const tokens = TOKEN.test(authorization) ? await limits.tokens.look(sourceIp) : undefined;
    if (tokens?.allowed === false) admit(ctx, tokens);
    try {
      await next();
    } catch (error) {
      if (!ctx.state.rates) admit(ctx, await countRefused(limits, ctx, error));
      throw error;
    }
    if (!ctx.state.rates) admit(ctx, await limits.source(sourceIp));
    return undefined;
  };
}

/**
 * Counts what is refused before anything else counts it, against the address: paths in a spelling that nothing has, and
 * methods that a path of the engine does not know. A probe that is told to look elsewhere (503) was asked for nothing else.
 */
export function limitOtherRefusals(limits: RateLimits): RequestMiddleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const notReady = isAnsweredProbe(ctx) && !isRefusal(error);
      if (!ctx.state.rates && !notReady) admit(ctx, await limits.source(ctx.state.origin.sourceIp));
      throw error;
    }
  };
}

/** Other methods there are refused, and count. */
function isAnsweredProbe({ method, path }: RequestContext): boolean {
  return isProbe(path) && (method === 'GET' || method === 'HEAD');
}

function isRefusal(error: unknown): boolean {
  return error instanceof Problem && error.status < 500;
}

/** Where an accepted token, or the absence of one, settles whom a request of our API counts for. */
export type AdmitCaller = (ctx: RequestContext, caller: RequestCaller) => Promise<void>;

/** @throws Problem 429 when nothing is left for the caller. */
export function admitCaller(limits: RateLimits): AdmitCaller {
  return async (ctx, caller) => {
    const { sourceIp } = ctx.state.origin;
    if (caller.bearer) admit(ctx, await limits.clientById(caller.bearer.token.clientId));
    else if (!ctx.state.rates && !isAnsweredProbe(ctx)) admit(ctx, await limits.source(sourceIp));
    if (ctx.state.registers && !caller.administers('admin:write')) {
      admit(ctx, await limits.registration(sourceIp));
    }
  };
}

function countRefused(limits: RateLimits, ctx: RequestContext, error: unknown) {
  const { sourceIp } = ctx.state.origin;
  const refused = error instanceof Problem && error.status === 401;
  return refused ? limits.tokens.failed(sourceIp) : limits.source(sourceIp);
}

/** @throws Problem 429 when the verdict forbids the request. */
export function admit(ctx: RequestContext, verdict: RateVerdict): void {
  ctx.state.rates = [...(ctx.state.rates ?? []), verdict];
  if (!verdict.allowed) throw tooMany(verdict);
}

function tooMany({ policy, resetSeconds }: RateVerdict): Problem {
  return new Problem(429, RATE_LIMITED, `too many requests: try again in ${resetSeconds} seconds`, {
    members: { retry_after: resetSeconds, policy: policy.name },
    headers: { 'Retry-After': String(resetSeconds) },
    fact: { details: { policy: policy.name } },
  });
}
