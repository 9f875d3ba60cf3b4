import { Problem } from '../problem.ts';
import type { RequestMiddleware } from '../state.ts';

/**
 * Makes every URL that is built from a request start with the issuer, whatever Host, X-Forwarded-Host or absolute
 * request target the client sent: a hostile host never reaches a redirect, a form action or the metadata.
 */
export function pinnedHost(issuer: string): RequestMiddleware {
  const { host, protocol } = new URL(issuer);
  const scheme = protocol.slice(0, -1);
  return (ctx, next) => {
    if (ctx.state.targetIsNoPath) {
      throw new Problem(400, 'request_target_invalid', 'the request target must be a path');
    }
    const { headers } = ctx.req;
    headers.host = host;
    headers['x-forwarded-proto'] = scheme;
    delete headers['x-forwarded-host'];
    delete headers[':authority'];
    return next();
  };
}
