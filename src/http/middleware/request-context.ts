import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { ownText } from '../../domain/own-text.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** RFC 9112 §3.2.1, and no fragment, which belongs to no request. */
const ORIGIN_FORM = /^\/(?!\/)[^#]*$/;

/**
 * Gives every request its origin: a request id, echoed in X-Request-ID, and the source address. A target that is no
 * path may be no URL either, and fail whoever reads it: nobody gets to see it before it is refused.
 */
export function requestContext(): RequestMiddleware {
  return (ctx, next) => {
    const sent = ctx.get('X-Request-ID');
    const requestId = REQUEST_ID.test(sent) ? sent : randomUUID();
    ctx.state.origin = { requestId, sourceIp: sourceIp(ctx) };
    ctx.set('X-Request-ID', requestId);
    if (!ORIGIN_FORM.test(ctx.req.url ?? '')) {
      ctx.state.targetIsNoPath = true;
      ctx.req.url = '/';
    }
    return next();
  };
}

/** An address as some proxies tell it: with a port behind it, in brackets if it is IPv6. */
const ENDPOINT = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[\d.]+)(?=:))(?::\d+)?$/;

/** Koa reads X-Forwarded-For only when the app trusts a proxy; what stands there is believed only if it is an address. */
function sourceIp(ctx: RequestContext): string {
  const { v6, v4 } = ENDPOINT.exec(ctx.ip)?.groups ?? {};
  const told = v6 ?? v4 ?? ctx.ip;
  // Limits and counts keep it for minutes.
  const address = isIP(told) ? ownText(told) : (ctx.req.socket.remoteAddress ?? '');
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
