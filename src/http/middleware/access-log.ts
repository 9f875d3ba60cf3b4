import type { Logger } from '../../app/ports.ts';
import type { RequestContext, RequestMiddleware } from '../state.ts';

/** One line per request. Query strings, headers and bodies may hold secrets and are never written. */
export function accessLog(log: Logger): RequestMiddleware {
  return async (ctx, next) => {
    const started = performance.now();
    try {
      await next();
    } finally {
      log.info('request', {
        method: ctx.method,
        path: loggedPath(ctx),
        status: ctx.status,
        ms: Math.round((performance.now() - started) * 10) / 10,
        request_id: ctx.state.origin.requestId,
        source_ip: ctx.state.origin.sourceIp,
        ...(ctx.state.clientId === undefined ? {} : { client_id: ctx.state.clientId }),
      });
    }
  };
}

/** A token without a prefix, which whoever redacts knows by nothing else; people take it for its id. */
const LIKE_A_TOKEN = /(?<=\/)[A-Za-z0-9_-]{43}(?=\/|$)/g;

/** The id of an interaction belongs to a person's session: its path is cut there. */
function loggedPath({ path }: RequestContext): string {
  return path
    .replace(/^(\/interaction|\/api\/oauth\/authorize)\/[^/]+/, '$1/:uid')
    .replace(LIKE_A_TOKEN, '[redacted]')
    .slice(0, 300);
}
