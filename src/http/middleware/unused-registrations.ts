import type { RateLimits } from '../../app/limits/rate-limits.ts';
import { REPEATED_FIELD } from '../../app/idempotency/idempotency-key.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';

/** Who asks was refused, or how often: such attempts stay counted. */
const COUNTED: readonly number[] = [401, 403, 429];

/**
 * Registrations are counted before they are looked at, so that a rush cannot pass. Where nothing came of one, because it
 * was malformed or the database away, the point is given back: whoever tries again after an outage, or until the metadata
 * are right, is not shut out for an hour. As a request it stays counted.
 */
export function giveBackUnusedRegistrations(limits: RateLimits): RequestMiddleware {
  return async (ctx, next) => {
    await next();
    const { rates, origin, registers } = ctx.state;
    const took = registers && rates?.find(({ policy, allowed }) => allowed && policy.name === 'registration');
    if (!rates || !took || hasRegistered(ctx)) return;
    await limits.notRegistered(origin.sourceIp);
    ctx.state.rates = rates.filter((verdict) => verdict !== took);
  };
}

function hasRegistered({ status, res }: RequestContext): boolean {
  if (res.hasHeader(REPEATED_FIELD.name)) return false;
  return status < 400 || COUNTED.includes(status);
}
