import type { Context, Middleware } from 'koa';
import compose from 'koa-compose';
import type { AppContext } from '../app/context.ts';
import type { AnswerOnce } from '../app/idempotency/answer-once.ts';
import type { RateLimits } from '../app/limits/rate-limits.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import { directTokens } from './direct/token.ts';
import { discovery } from './discovery.ts';
import { engineBody, offerForm } from './engine-body.ts';
import { freshKeys } from './fresh-keys.ts';
import { guessingLimit } from './guessing-limit.ts';
import { ENGINE_READS } from './internals.ts';
import { introspection } from './introspection.ts';
import { CLIENT_ENDPOINTS, refusedTokenLimit, sourceLimit } from './rate-limit.ts';
import { POSTED_PATHS, postedRequest } from './posted-request.ts';
import { repeatedParameters } from './repeated-parameters.ts';
import { ROUTES } from './routes.ts';
import { oauthRefusals } from './refusals.ts';
import { registration } from './registration.ts';
import { revocation } from './revocation.ts';
import { browserHeaders } from './views/browser-headers.ts';
import { openApplication } from './views/open-application.ts';
import { VERIFY_PATH, verification } from './verification.ts';

export interface OAuthAppOptions {
  readonly context: AppContext;
  readonly refusals: RefusalRecorder;
  readonly answerOnce: AnswerOnce;
  /** Bytes. */
  readonly bodyLimit: number;
  /** The engine of the moment: it is rebuilt when the signing keys change. */
  readonly engine: () => Middleware;
  /** Reads the signing keys anew and rebuilds the engine if they have changed. */
  readonly followKeys: () => Promise<void>;
  readonly interactions: Middleware;
  /** Absent = no limits. */
  readonly rateLimits?: RateLimits | undefined;
}

const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'];
const FORM_PATHS = [...CLIENT_ENDPOINTS, ...POSTED_PATHS, ROUTES.userinfo];
const { token, introspection: introspect, revocation: revoke } = ROUTES;

/** What a request goes through: at every path, or at some of the endpoints where clients authenticate and elsewhere. */
type Step = Middleware | { readonly at: readonly string[]; readonly step: Middleware };
const ELSEWHERE = '';

/** Everything under /api/oauth and /.well-known that the engine serves, with our steps around it, in order. */
export function createOAuthApp(options: OAuthAppOptions): Middleware {
  const { context, refusals, answerOnce, engine, followKeys, interactions, rateLimits } = options;
  const limit = Math.min(options.bodyLimit, ENGINE_READS.bytes);
  const limited = rateLimits && { limits: rateLimits, refusals };
  return byEndpoint([
    { at: [ELSEWHERE], step: browserHeaders() },
    { at: [ELSEWHERE], step: openApplication() },
    oauthRefusals({ context, refusals }),
    jsonErrors,
    ...(limited ? [sourceLimit(limited)] : []),
    { at: [ELSEWHERE], step: discovery({ issuer: context.settings.issuer, signingAlgorithms: ALGORITHMS }) },
    { at: [ELSEWHERE], step: interactions },
    engineBody({ limit, formPaths: FORM_PATHS }),
    { at: [ELSEWHERE], step: postedRequest() },
    ...(limited ? [guessingLimit(limited), { at: [ELSEWHERE], step: refusedTokenLimit(limited) }] : []),
    { at: [ELSEWHERE], step: registration({ context, answerOnce, limit }) },
    { at: [introspect, VERIFY_PATH, revoke], step: repeatedParameters() },
    { at: [VERIFY_PATH], step: verification({ context, refusals }) },
    { at: [token], step: directTokens(context, limited) },
    { at: [introspect, VERIFY_PATH], step: introspection({ context, refusals, limits: limited }) },
    { at: [revoke], step: revocation({ context, refusals }) },
    { at: [ELSEWHERE], step: freshKeys(followKeys) },
    offerForm(),
    (ctx, next) => engine()(ctx, next),
  ]);
}

/**
 * One chain for each endpoint where clients authenticate, and one for all other paths: most requests go to the former,
 * which need half of the steps.
 */
function byEndpoint(steps: readonly Step[]): Middleware {
  const chainOf = (path: string) =>
    compose(
      steps.flatMap((step) => (typeof step === 'function' ? step : step.at.includes(path) ? step.step : [])),
    ) as Middleware;
  const chains = new Map(CLIENT_ENDPOINTS.map((path) => [path, chainOf(path)]));
  const elsewhere = chainOf(ELSEWHERE);
  return (ctx, next) => (chains.get(ctx.path) ?? elsewhere)(ctx, next);
}

/** API endpoints answer machines: the engine would render HTML for `Accept: text/html`. */
async function jsonErrors(ctx: Context, next: () => Promise<void>): Promise<void> {
  if (
    ctx.path.startsWith('/api/oauth/') &&
    ctx.path !== ROUTES.authorization &&
    !ctx.path.startsWith(ROUTES.end_session)
  ) {
    if (!ctx.path.startsWith(`${ROUTES.authorization}/`)) ctx.req.headers.accept = 'application/json';
  }
  await next();
}
