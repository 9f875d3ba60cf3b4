import type { RequestMiddleware } from '../state.ts';

/**
 * Throws away what is left of a body when its request is answered. Node does so for one that nobody began to read; one
 * that was given up halfway would keep whatever follows on the connection from being read (RFC 9112 §9.3).
 */
export function restOfBody(): RequestMiddleware {
  return async (ctx, next) => {
    try {
      await next();
    } finally {
      ctx.req.resume();
    }
  };
}
