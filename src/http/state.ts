import type { Middleware, ParameterizedContext } from 'koa';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import type { RequestOrigin } from '../domain/audit-event.ts';
import type { RateVerdict } from '../domain/rate-limit.ts';

/** What the middlewares know about a request; `ctx.state` of every handler. */
export interface RequestState {
  /** Set before anything else runs: source address and request id. */
  origin: RequestOrigin;
  /** The request target was no path; `/` stands in its place until it is refused. */
  targetIsNoPath?: boolean;
  /** The presented token, once it has been accepted. */
  bearer?: ResolvedToken;
  /** RFC 7638 thumbprint of a key that this request has proved (DPoP), verified by the proof's middleware. */
  keyThumbprint?: string;
  /** The authenticated client, for the access log. */
  clientId?: string;
  /** Path of the matched route as declared, with `:parameters`: what logs and audit name instead of the URL. */
  route?: string;
  /** The matched route makes new clients. */
  registers?: boolean;
  /** The matched route issues tokens. */
  issues?: boolean;
  /** What the limits that this request counted against said of it. */
  rates?: readonly RateVerdict[];
}

export type RequestContext = ParameterizedContext<RequestState>;
export type RequestMiddleware = Middleware<RequestState>;
