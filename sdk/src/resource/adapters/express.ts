import type { ServerResponse } from 'node:http';
import { rememberAccess } from '../access-of.ts';
import type { Guard } from '../protect.ts';
import { handleNode, type NodeRequest } from './node-response.ts';

/** Middleware for Express 4 and 5, and whatever else takes `(request, response, next)`. */
export type ExpressMiddleware = (
  request: NodeRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** For Express: `app.use(forExpress(guard))`; handlers ask `accessOf(request)`. Answers the metadata route as well. */
export function forExpress(guard: Guard): ExpressMiddleware {
  return (request, response, next) => {
    handleNode(guard, request, response).then((accepted) => {
      if (!accepted) return;
      rememberAccess(accepted.access, request);
      next();
    }, next);
  };
}
