import type { MessageHead } from './message.ts';
import { type PassedRequest, readBounded, type RequestGuard, type StoppedRequest } from './request-guard.ts';
import type { VerifiedRequest } from './verified.ts';

/** As much of `http.IncomingMessage` as is needed; Express and Koa add the rest. */
export interface IncomingRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** The URL before a router took its own path off (Express, Koa). */
  readonly originalUrl?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly readableEnded?: boolean;
  /** The raw body, where something before has read it (`express.raw()` leaves it in `body`). */
  rawBody?: unknown;
  body?: unknown;
  /** Who sent the request; set when it is accepted. */
  signedRequest?: VerifiedRequest | undefined;
}
interface OutgoingResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/**
 * Checks a request of plain Node http. The raw body is `rawBody` afterwards; JSON and text are in `body` too, for the
 * stream is read by then. Where a body parser stands before, it must leave the raw bytes: in `rawBody` or `body`.
 * @throws Error when the body was read before and its bytes are gone: a body that was parsed and written anew is not the
 * one that was signed.
 */
export async function checkNodeRequest(
  guard: RequestGuard,
  request: IncomingRequest,
): Promise<PassedRequest | StoppedRequest> {
  const { method = 'GET', headers } = request;
  const url = request.originalUrl ?? request.url ?? '/';
  const head: MessageHead = { method, url, headers };
  const checked = await guard.check(head, (limit) => rawBodyOf(request, limit));
  if (checked.passed) {
    request.signedRequest = checked.request;
    request.rawBody = checked.body;
    request.body = parsed(headers['content-type'], checked.body);
  }
  return checked;
}

/** Middleware for Express 4 and 5 and for Connect. Put it before body parsers, which then find the body read. */
export function expressSignature(
  guard: RequestGuard,
): (request: IncomingRequest, response: OutgoingResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    checkNodeRequest(guard, request).then((checked) => {
      if (checked.passed) return next();
      const { status, headers, body } = checked.answer;
      response.statusCode = status;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(JSON.stringify(body));
    }, next);
  };
}

/** As much of a Koa context as is needed. */
export interface KoaContextLike {
  readonly req: object;
  readonly originalUrl: string;
  readonly request: object;
  readonly state: Record<string, unknown>;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/**
 * Middleware for Koa 2 and 3. `ctx.state.signedRequest` says who sent the request; `ctx.request.body` and
 * `ctx.request.rawBody` hold what came.
 */
export function koaSignature(
  guard: RequestGuard,
): (ctx: KoaContextLike, next: () => Promise<unknown>) => Promise<void> {
  return async (ctx, next) => {
    const incoming = ctx.req as IncomingRequest & { originalUrl?: string };
    incoming.originalUrl = ctx.originalUrl;
    const checked = await checkNodeRequest(guard, incoming);
    if (checked.passed) {
      ctx.state['signedRequest'] = checked.request;
      Object.assign(ctx.request, { body: incoming.body, rawBody: checked.body });
      await next();
      return;
    }
    ctx.status = checked.answer.status;
    ctx.set({ ...checked.answer.headers });
    ctx.body = JSON.stringify(checked.answer.body);
  };
}

function rawBodyOf(request: IncomingRequest, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  for (const kept of [request.rawBody, request.body]) {
    if (kept instanceof Uint8Array) return readBounded(once(kept), limit);
  }
  if (request.readableEnded === true) {
    return Promise.reject(new Error('the raw body is gone: check signatures before the body is parsed'));
  }
  return readBounded(request, limit);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** What handlers of JSON and text expect. JSON that is none becomes undefined: who sent it signed nonsense. */
function parsed(type: string | string[] | undefined, body: Uint8Array<ArrayBuffer>): unknown {
  if (body.length === 0) return undefined;
  const media = String(type ?? '');
  if (/^text\//i.test(media)) return new TextDecoder().decode(body);
  if (!/^application\/([a-z0-9.+-]+\+)?json\b/i.test(media)) return body;
  try {
    return JSON.parse(new TextDecoder().decode(body)) as unknown;
  } catch {
    return undefined;
  }
}
