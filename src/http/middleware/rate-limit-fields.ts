import { rateLimitFields } from '../../app/limits/rate-limit-fields.ts';
import type { Clock } from '../../app/ports.ts';
import type { RequestMiddleware } from '../state.ts';

/** Tells every caller what the limits that its request counted against have left, whoever counted it. */
export function announceRateLimits(clock: Clock): RequestMiddleware {
  return async (ctx, next) => {
    await next();
    const { rates } = ctx.state;
    if (rates && rates.length > 0) ctx.set(rateLimitFields(rates, clock.now()));
  };
}
