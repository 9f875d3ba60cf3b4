import type { Context, Middleware, ParameterizedContext } from 'koa';
import type { ResolvedToken } from '../app/resolve-token.ts';
import type { RequestOrigin } from '../domain/audit-event.ts';

/** What the middlewares know about a request; `ctx.state` of every handler. */
export interface RequestState {
  /** Set before anything else runs: source address and request id. */
  origin: RequestOrigin;
  /** The presented token, once `bearer.ts` has accepted it. */
  bearer?: ResolvedToken;
  /** RFC 7638 thumbprint of a key that this request has proved (DPoP), verified by the proof's middleware. */
  keyThumbprint?: string;
  /** The authenticated client, for the access log. */
  clientId?: string;
  /** Parsed members of a JSON or form body. */
  body?: Readonly<Record<string, unknown>>;
}

export type RequestContext = ParameterizedContext<RequestState, Context>;
export type RequestMiddleware = Middleware<RequestState, Context>;
