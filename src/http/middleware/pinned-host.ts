import { Problem } from '../problem.ts';
import type { RequestMiddleware } from '../state.ts';

/**
 * Makes every URL that is built from a request start with the issuer, whatever Host, X-Forwarded-Host or absolute
 * request target the client sent: a hostile host never reaches a redirect, a form action or the metadata.
 */
export function pinnedHost(issuer: string): RequestMiddleware {
  const { host, protocol } = new URL(issuer);
  return (ctx, next) => {
    const target = ctx.req.url ?? '';
    if (!target.startsWith('/') || target.startsWith('//')) {
      throw new Problem(400, 'request_target_invalid', 'the request target must be a path');
    }
    const { headers } = ctx.req;
    headers.host = host;
    headers['x-forwarded-proto'] = protocol.slice(0, -1);
    delete headers['x-forwarded-host'];
    delete headers[':authority'];
    // Koa computes the protocol from the socket; behind TLS termination that is not what the issuer says.
    Object.defineProperty(ctx.request, 'protocol', { value: protocol.slice(0, -1), configurable: true });
    return next();
  };
}
