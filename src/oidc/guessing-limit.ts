import { decodeJwt } from 'jose';
import type { Context, Middleware } from 'koa';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { ROUTES } from './routes.ts';
import { requestState } from './request-state.ts';
import { VERIFY_PATH } from './verification.ts';

export interface GuessingLimits {
  /** Failed client authentications per source address and minute. */
  readonly perSource: number;
  /** Failed client authentications per source address and claimed client and minute. */
  readonly perClient: number;
  /** Registrations per source address and hour. */
  readonly registrations: number;
}

const GUESSING_LIMITS: GuessingLimits = { perSource: 60, perClient: 10, registrations: 120 };

const MINUTE = 60;
const HOUR = 3600;
const AUTHENTICATED: readonly string[] = [
  ROUTES.token,
  ROUTES.introspection,
  ROUTES.revocation,
  ROUTES.pushed_authorization_request,
  VERIFY_PATH,
];

/**
 * S17: guessing client secrets is rate-limited. Only failures count, so a client in good standing is never held up by
 * its own traffic; a client that others guess at stays reachable from its own address.
 */
export function guessingLimit(limits: GuessingLimits = GUESSING_LIMITS): Middleware {
  const perSource = new RateLimiterMemory({ points: limits.perSource, duration: MINUTE });
  const perClient = new RateLimiterMemory({ points: limits.perClient, duration: MINUTE });
  const registrations = new RateLimiterMemory({ points: limits.registrations, duration: HOUR });
  return async (ctx, next) => {
    if (ctx.method !== 'POST') return next();
    const { sourceIp } = requestState(ctx).origin;
    if (ctx.path === ROUTES.registration) {
      const wait = await secondsToWait(registrations, sourceIp);
      if (wait > 0) return refuse(ctx, wait, 'too many registrations');
      await spend(registrations, sourceIp);
      return next();
    }
    if (!AUTHENTICATED.includes(ctx.path)) return next();
    const client = `${sourceIp} ${claimedClient(ctx)}`;
    const wait = Math.max(await secondsToWait(perSource, sourceIp), await secondsToWait(perClient, client));
    if (wait > 0) return refuse(ctx, wait, 'too many failed client authentications');
    await next();
    if ((ctx.body as { error?: string } | undefined)?.error !== 'invalid_client') return;
    await spend(perSource, sourceIp);
    await spend(perClient, client);
  };
}

/** The id that the request claims; only used to count failures. */
function claimedClient(ctx: Context): string {
  const [scheme, value] = ctx.get('authorization').split(' ');
  if (scheme?.toLowerCase() === 'basic' && value) {
    return Buffer.from(value, 'base64').toString('utf8').split(':', 1)[0]?.slice(0, 200) ?? '';
  }
  const form = ctx.state.oauthBody as URLSearchParams | undefined;
  const claimed = form?.get('client_id') ?? subjectOf(form?.get('client_assertion') ?? '');
  return claimed.slice(0, 200);
}

/** Whom an assertion speaks of, unverified; one client's broken keys must not hold up its neighbours. */
function subjectOf(assertion: string): string {
  try {
    return decodeJwt(assertion).sub ?? '';
  } catch {
    return '';
  }
}

async function secondsToWait(limiter: RateLimiterMemory, key: string): Promise<number> {
  const state = await limiter.get(key);
  return state && state.remainingPoints <= 0 ? Math.ceil(state.msBeforeNext / 1000) : 0;
}

async function spend(limiter: RateLimiterMemory, key: string): Promise<void> {
  // Rejects when nothing is left, which the next request finds out by itself.
  await limiter.consume(key).catch(() => undefined);
}

/** Standard codes only (T12): RFC 6585 §4 gives the status its meaning. */
function refuse(ctx: Context, seconds: number, why: string): void {
  ctx.status = 429;
  ctx.set('retry-after', String(seconds));
  ctx.set('cache-control', 'no-store');
  ctx.body = { error: 'invalid_request', error_description: `${why}: try again in ${seconds} seconds` };
}
