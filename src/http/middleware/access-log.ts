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

/** The id of an interaction belongs to a person's session: its path is cut there. */
function loggedPath({ path }: RequestContext): string {
  return path.replace(/^(\/interaction|\/api\/oauth\/authorize)\/[^/]+/, '$1/:uid').slice(0, 300);
}
