import { decodeJwt } from 'jose';
import type { Context, Middleware } from 'koa';
import { admits, CLIENT_ENDPOINTS, type EngineLimits, refuse } from './rate-limit.ts';
import { requestState } from './request-state.ts';

/**
 * S17: guessing client secrets is rate-limited. Only failures count, so a client in good standing is never held up by
 * its own traffic; a client that others guess at stays reachable from its own address.
 */
export function guessingLimit({ limits, refusals }: EngineLimits): Middleware {
  const { authentication } = limits;
  return async (ctx, next) => {
    if (ctx.method !== 'POST' || !CLIENT_ENDPOINTS.includes(ctx.path)) return next();
    const { sourceIp } = requestState(ctx).origin;
    const claimed = claimedClient(ctx);
    const looked = authentication.look(sourceIp, claimed);
    const before = looked instanceof Promise ? await looked : looked;
    if (!before.allowed && !admits(ctx, before)) return refuse(ctx, refusals);
    await next();
    if ((ctx.body as { error?: string } | undefined)?.error !== 'invalid_client') return undefined;
    // Attempts in parallel were let in together; those beyond the limit learn nothing.
    if (!admits(ctx, await authentication.failed(sourceIp, claimed))) refuse(ctx, refusals);
    return undefined;
  };
}

/** The id that the request claims; only used to count failures. */
function claimedClient(ctx: Context): string {
  const [scheme, value] = ctx.get('authorization').split(' ');
  if (scheme?.toLowerCase() === 'basic' && value) {
    const [claimed = ''] = Buffer.from(value, 'base64').toString('utf8').split(':', 1);
    return formDecoded(claimed).slice(0, 200);
  }
  const form = ctx.state.oauthBody as URLSearchParams | undefined;
  const claimed = form?.get('client_id') ?? subjectOf(form?.get('client_assertion') ?? '');
  return claimed.slice(0, 200);
}

/** RFC 6749 §2.3.1: an id is form-urlencoded, and one client however many of its letters are escaped. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** Whom an assertion speaks of, unverified; one client's broken keys must not hold up its neighbours. */
function subjectOf(assertion: string): string {
  try {
    const { sub }: { sub?: unknown } = decodeJwt(assertion);
    // Nobody has checked that it is a string (RFC 7519 §4.1.2).
    return typeof sub === 'string' ? sub : '';
  } catch {
    return '';
  }
}
