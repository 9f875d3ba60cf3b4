import { Problem } from '../problem.ts';
import type { RequestMiddleware } from '../state.ts';

/** What a host and a port may be written with (RFC 3986 §3.2.2); none is sent where there is no name. */
const HOST = /^[\w.~%!$&'()*+,;=:[\]-]*$/;

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
    const { headers, rawHeaders } = ctx.req;
    if (!HOST.test(headers.host ?? '') || namesSeveralHosts(rawHeaders)) {
      throw new Problem(400, 'host_invalid', 'one Host header field must be sent, with a host');
    }
    headers.host = host;
    headers['x-forwarded-proto'] = scheme;
    delete headers['x-forwarded-host'];
    delete headers[':authority'];
    return next();
  };
}

/** RFC 9112 §3.2: whoever stands before the server may have read another one than Node, which keeps the first. */
function namesSeveralHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}
