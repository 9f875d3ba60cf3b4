import Koa from 'koa';
import type { ApiDescription, Json } from '../app/description/api-description.ts';
import type { AppContext } from '../app/context.ts';
import type { AnswerOnce } from '../app/idempotency/answer-once.ts';
import type { RateLimits } from '../app/limits/rate-limits.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import type { BoundRoute } from './contract.ts';
import { ENGINE_PATHS, type EnginePath, enginePath } from './engine-paths.ts';
import { accessLog } from './middleware/access-log.ts';
import { createGuessing } from './guessing.ts';
import { createAuthenticate } from './middleware/bearer.ts';
import { canonicalPath } from './middleware/canonical-path.ts';
import { createProveResourceServer } from './middleware/client-credentials.ts';
import { cors } from './middleware/cors.ts';
import { pinnedHost } from './middleware/pinned-host.ts';
import { problems } from './middleware/problems.ts';
import { admitCaller, limitOtherRefusals, rateLimit } from './middleware/rate-limit.ts';
import { announceRateLimits } from './middleware/rate-limit-fields.ts';
import { requestContext } from './middleware/request-context.ts';
import { restOfBody } from './middleware/rest-of-body.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { giveBackUnusedRegistrations } from './middleware/unused-registrations.ts';
import { apiPage } from './api-page/api-page.ts';
import { openapiRoute } from './openapi/document.ts';
import { Problem } from './problem.ts';
import { createRouter } from './router.ts';
import type { RequestMiddleware, RequestState } from './state.ts';

export interface HttpAppParts {
  readonly context: AppContext;
  readonly refusals: RefusalRecorder;
  /** For requests that create something and carry an Idempotency-Key. */
  readonly answerOnce: AnswerOnce;
  readonly routes: readonly BoundRoute[];
  /** The number of proxies whose X-Forwarded-For is believed; true = any number, false = none. */
  readonly trustProxy: boolean | number;
  /** Largest request body, in bytes. */
  readonly bodyLimit: number;
  /** Product version, for the API description. */
  readonly version: string;
  /** Signs cookies; must equal the keys of the mounted engine. */
  readonly cookieKeys?: readonly string[];
  /** Absent = no limits. Paths of the engine are counted by the engine's side. */
  readonly rateLimits?: RateLimits | undefined;
  /** Run after the path is settled and before any route: proofs of possession. */
  readonly guards?: readonly RequestMiddleware[];
  /** The OAuth engine; sees only its own paths. */
  readonly engine?: {
    readonly middleware: RequestMiddleware;
    readonly paths?: readonly EnginePath[];
    readonly description: () => ApiDescription;
  };
}

/** The whole HTTP side, outermost first; and what it answers, as OpenAPI describes it. */
export function createHttpApp(parts: HttpAppParts): Koa<RequestState> & { readonly description: () => Json } {
  const { context, refusals } = parts;
  const { issuer } = context.settings;
  const page = apiPage();
  const description = openapiRoute({
    contracts: parts.routes.map(({ contract }) => contract),
    others: () => [page.description, ...(parts.engine ? [parts.engine.description()] : [])],
    issuer,
    version: parts.version,
  });
  const routes = [...parts.routes, description];
  const limits = parts.rateLimits;
  const authenticate = createAuthenticate(
    context,
    limits && admitCaller(limits),
    createProveResourceServer(context, createGuessing(limits)),
  );
  const app = newApp(parts);
  app
    .use(restOfBody())
    .use(requestContext())
    .use(announceRateLimits(context.clock))
    .use(accessLog(context.log));
  if (limits) app.use(giveBackUnusedRegistrations(limits));
  app
    .use(problems({ refusals, log: context.log }))
    .use(securityHeaders({ https: issuer.startsWith('https:') }));
  if (limits) app.use(limitOtherRefusals(limits));
  app.use(pinnedHost(issuer)).use(canonicalPath()).use(cors());
  if (limits) app.use(rateLimit(limits, (path) => isEnginePath(parts, path)));
  for (const guard of parts.guards ?? []) app.use(guard);
  // The engine's paths are a short list and most of the traffic; no route has one of them.
  if (parts.engine) app.use(engineSlot(parts.engine));
  app.use(page.middleware);
  const { bodyLimit, answerOnce } = parts;
  app.use(createRouter({ routes, authenticate, bodyLimit, answerOnce }));
  app.use(() => {
    throw new Problem(404, 'not_found', 'there is nothing at this path');
  });
  return Object.assign(app, { description: description.document });
}

function newApp({ context, trustProxy, cookieKeys }: HttpAppParts): Koa<RequestState> {
  const app = new Koa<RequestState>({
    proxy: trustProxy !== false,
    ...(typeof trustProxy === 'number' ? { maxIpsCount: trustProxy } : {}),
    ...(cookieKeys ? { keys: [...cookieKeys] } : {}),
  });
  // Koa computes the protocol from the socket; behind TLS termination that is not what the issuer says.
  const protocol = new URL(context.settings.issuer).protocol.slice(0, -1);
  Object.defineProperty(app.request, 'protocol', { value: protocol });
  // Connections that break while an answer is written; everything else was turned into a problem before.
  app.on('error', (error: unknown) => {
    // Whoever follows a stream leaves it at some time.
    if ((error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    context.log.warn('answer not delivered', { error: String(error) });
  });
  return app;
}

function isEnginePath({ engine }: HttpAppParts, path: string): boolean {
  return engine !== undefined && enginePath(engine.paths ?? ENGINE_PATHS, path) !== undefined;
}

/** Only paths of the engine reach it, in their one spelling; what it leaves unanswered is a wrong method. */
function engineSlot({
  middleware,
  paths = ENGINE_PATHS,
}: NonNullable<HttpAppParts['engine']>): RequestMiddleware {
  return (ctx, next) => {
    const known = enginePath(paths, ctx.path);
    if (!known) return next();
    // Preflight requests were answered before, where there are any; the engine would leave others without an answer.
    if (ctx.method === 'OPTIONS') throw wrongMethod(known);
    return middleware(ctx, () => {
      if (known.methods.includes(ctx.method === 'HEAD' ? 'GET' : ctx.method)) return next();
      throw wrongMethod(known);
    });
  };
}

function wrongMethod({ methods }: EnginePath): Problem {
  const allow = methods.join(', ');
  return new Problem(405, 'method_not_allowed', `use ${allow}`, { headers: { Allow: allow } });
}
