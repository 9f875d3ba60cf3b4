import { recordedPath } from '../../app/audit/recorded-path.ts';
import type { Logger } from '../../app/ports.ts';
import type { RequestMiddleware } from '../state.ts';

/** One line per request. Query strings, headers and bodies may hold secrets and are never written. */
export function accessLog(log: Logger): RequestMiddleware {
  return async (ctx, next) => {
    const started = performance.now();
    try {
      await next();
    } finally {
      log.info('request', {
        method: ctx.method,
        path: recordedPath(ctx.path),
        status: ctx.status,
        ms: Math.round((performance.now() - started) * 10) / 10,
        request_id: ctx.state.origin.requestId,
        source_ip: ctx.state.origin.sourceIp,
        ...(ctx.state.clientId === undefined ? {} : { client_id: ctx.state.clientId }),
      });
    }
  };
}
