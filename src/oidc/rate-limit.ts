import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { RATE_LIMITED } from '../app/limits/rate-limit-fields.ts';
import type { RateLimits } from '../app/limits/rate-limits.ts';
import type { RefusalRecorder } from '../app/audit/record-refusal.ts';
import type { Agent } from '../domain/agent.ts';
import type { RateVerdict } from '../domain/rate-limit.ts';
import { engineClient, isPublicClient } from './internals.ts';
import { requestState } from './request-state.ts';
import { ROUTES } from './routes.ts';
import { sendErrorPage } from './views/error-page.ts';
import { VERIFY_PATH } from './verification.ts';

export interface EngineLimits {
  readonly limits: RateLimits;
  readonly refusals: RefusalRecorder;
}

/** Endpoints where clients authenticate themselves. */
export const CLIENT_ENDPOINTS: readonly string[] = [
  ROUTES.token,
  ROUTES.introspection,
  ROUTES.revocation,
  ROUTES.pushed_authorization_request,
  VERIFY_PATH,
];

/**
 * Requests of the OAuth endpoints that no client stands behind count against their address: pages, metadata,
 * registrations, and what failed before it was known who asks.
 */
export function sourceLimit({ limits, refusals }: EngineLimits): Middleware {
  return async (ctx, next) => {
    const { sourceIp } = requestState(ctx).origin;
    if (!countsLater(ctx)) {
      if (!admits(ctx, await limits.source(sourceIp))) return refuse(ctx, refusals);
      const registers = ctx.path === ROUTES.registration && ctx.method === 'POST';
      if (!registers) return next();
      ctx.state.registers = true;
      if (!admits(ctx, await limits.registration(sourceIp))) return refuse(ctx, refusals);
      return next();
    }
    try {
      await next();
    } finally {
      if (!ratesOf(ctx) && !admits(ctx, await limits.source(sourceIp))) refuse(ctx, refusals);
    }
    return undefined;
  };
}

function countsLater(ctx: Context): boolean {
  if (ctx.path === ROUTES.userinfo) return ctx.method === 'POST' || ctx.get('authorization') !== '';
  return ctx.method === 'POST' && CLIENT_ENDPOINTS.includes(ctx.path);
}

/** Access tokens that are refused at /userinfo count as those at our own API do. */
export function refusedTokenLimit({ limits, refusals }: EngineLimits): Middleware {
  return (ctx, next) => (ctx.path === ROUTES.userinfo && countsLater(ctx) ? limited(ctx, next) : next());

  async function limited(ctx: Context, next: () => Promise<void>): Promise<void> {
    const { sourceIp } = requestState(ctx).origin;
    const before = await limits.tokens.look(sourceIp);
    if (!before.allowed && !admits(ctx, before)) return refuse(ctx, refusals);
    await next();
    if (ctx.status !== 401) return;
    if (!admits(ctx, await limits.tokens.failed(sourceIp))) refuse(ctx, refusals);
  }
}

type Counted = Pick<Agent, 'clientId' | 'kind' | 'tier'>;

interface LimitedClient {
  readonly agent: Counted;
  readonly isPublic: boolean;
  /** Where the agent is a remembered one: what it is now, if anything that is registered has changed. */
  readonly reread?: () => Promise<Counted | undefined>;
}

/**
 * Counts a request of a client that has authenticated itself, before the work that it asks for. Nobody is refused by
 * the limit of a tier that is no longer theirs (ADR 16).
 * @throws errors.CustomOIDCProviderError 429 when nothing is left for the client.
 */
export async function limitClient(
  { limits, refusals }: EngineLimits,
  ctx: Context,
  { agent, isPublic, reread }: LimitedClient,
): Promise<void> {
  const asked = isPublic
    ? limits.publicClient(agent, requestState(ctx).origin.sourceIp)
    : limits.client(agent);
  let verdict = asked instanceof Promise ? await asked : asked;
  const current = verdict.allowed ? undefined : await reread?.();
  if (current) verdict = await limits.client(current);
  if (admits(ctx, verdict)) return;
  recordRefusal(ctx, refusals, verdict, agent.clientId);
  throw tooMany(ctx, verdict);
}

/** Of a client that names itself by a document and that nobody knows: that it is looked for, and that it becomes known. */
export type NewcomerStep = 'source' | 'registration';

/**
 * Whoever has a host has as many of them as there are URLs, so each counts against the address: as a request, unless
 * this one is counted there already, and then as a registration.
 * @throws errors.CustomOIDCProviderError 429 when nothing is left for the address.
 */
export async function limitNewcomer(
  { limits, refusals }: EngineLimits,
  ctx: Context,
  step: NewcomerStep,
): Promise<void> {
  const before = ratesOf(ctx)?.findLast(({ allowed }) => !allowed);
  // The engine looks for a client once more to tell that it was not found.
  if (before) throw tooMany(ctx, before);
  if (step === 'source' && ratesOf(ctx)) return;
  const verdict = await limits[step](requestState(ctx).origin.sourceIp);
  if (admits(ctx, verdict)) return;
  recordRefusal(ctx, refusals, verdict, null);
  throw tooMany(ctx, verdict);
}

/** RFC 6585 §4. The engine knows no such error. */
function tooMany(ctx: Context, verdict: RateVerdict): Error {
  ctx.set('retry-after', String(verdict.resetSeconds));
  const refusal = new errors.CustomOIDCProviderError('invalid_request', descriptionOf(verdict));
  return Object.assign(refusal, { status: 429, statusCode: 429 });
}

/** The step that the engine takes as soon as it has authenticated a client. */
export function limitEngineClient(options: EngineLimits): (ctx: Context) => Promise<void> {
  return (ctx) => {
    const client = engineClient(ctx);
    const agent = requestState(ctx).agents.get(client.clientId) ?? newcomer(client.clientId);
    return limitClient(options, ctx, { agent, isPublic: isPublicClient(client) });
  };
}

/** A client that is known by its metadata document alone. */
function newcomer(clientId: string) {
  return { clientId, kind: 'agent', tier: 'free' } as const;
}

/** Notes what a limit said about this request; false when it forbids it. */
export function admits(ctx: Context, verdict: RateVerdict): boolean {
  ctx.state.rates = [...(ratesOf(ctx) ?? []), verdict];
  return verdict.allowed;
}

/** Whether a limit has forbidden this request, which is on record then. */
export function isRateLimited(ctx: Context): boolean {
  return ratesOf(ctx)?.some(({ allowed }) => !allowed) ?? false;
}

/** Every verdict on this request; what the RateLimit fields tell. */
function ratesOf(ctx: Context): readonly RateVerdict[] | undefined {
  return ctx.state.rates as readonly RateVerdict[] | undefined;
}

const PAGES = new RegExp(`^(/interaction/|${ROUTES.authorization}(/|$)|${ROUTES.end_session}(/|$))`);

/** 429 for the last verdict: standard codes only (T12), RFC 6585 §4 gives the status its meaning; a page for people. */
export function refuse(ctx: Context, refusals: RefusalRecorder): void {
  const verdict = ratesOf(ctx)?.findLast(({ allowed }) => !allowed);
  if (!verdict) return;
  recordRefusal(ctx, refusals, verdict, null);
  ctx.remove('www-authenticate');
  ctx.set('retry-after', String(verdict.resetSeconds));
  ctx.set('cache-control', 'no-store');
  if (PAGES.test(ctx.path)) return sendErrorPage(ctx, tooManyPage(verdict));
  ctx.status = 429;
  ctx.body = { error: 'invalid_request', error_description: descriptionOf(verdict) };
}

function descriptionOf({ policy, resetSeconds }: RateVerdict): string {
  const what = WHAT[policy.name] ?? 'too many requests';
  return `${what}: try again in ${resetSeconds} seconds`;
}

const WHAT: Readonly<Record<string, string>> = {
  registration: 'too many registrations',
  'failed-authentication-source': 'too many failed client authentications',
  'failed-authentication-client': 'too many failed client authentications',
  'refused-token': 'too many tokens that were refused',
};

function tooManyPage({ resetSeconds }: RateVerdict) {
  return {
    status: 429,
    title: 'Too many requests',
    message: `This server has had too many requests from where you are. Try again in ${resetSeconds} seconds.`,
  };
}

function recordRefusal(
  ctx: Context,
  refusals: RefusalRecorder,
  { policy }: RateVerdict,
  clientId: string | null,
): void {
  refusals.record(
    { actor: clientId, origin: requestState(ctx).origin },
    {
      type: ctx.path === ROUTES.token ? 'token_refused' : 'request_refused',
      reason: RATE_LIMITED,
      clientId,
      details: {
        status: 429,
        path: recordedPath(ctx),
        policy: policy.name,
      },
    },
  );
}

/** As it was asked for. The id of an interaction belongs to a person's session: its path is cut there. */
function recordedPath({ originalUrl }: Context): string {
  const [path = ''] = originalUrl.split('?', 1);
  const below = ['/interaction/', `${ROUTES.authorization}/`].find((prefix) => path.startsWith(prefix));
  return below ? `${below}:uid` : path.slice(0, 300);
}
