import type { Context, Middleware } from 'koa';
import getRawBody from 'raw-body';
import type { AppContext } from '../app/context.ts';
import { grantedPermissions } from '../app/agents/register-client.ts';
import type { Answer, AnswerOnce } from '../app/idempotency/answer-once.ts';
import { deferUnits } from '../app/idempotency/deferred-units.ts';
import { KEY_REUSED, readIdempotencyKey, REPEATED_FIELD } from '../app/idempotency/idempotency-key.ts';
import { resolveToken } from '../app/tokens/resolve-token.ts';
import { stillStands } from '../app/tokens/still-stands.ts';
import { parseBoundedJson } from '../domain/bounded-json.ts';
import { readUtf8 } from '../domain/utf8.ts';
import { DomainError } from '../domain/errors.ts';
import { covers, formatScope, parseScope } from '../domain/scope.ts';
import { networkOf } from '../domain/source-network.ts';
import { checkRegistration, RegistrationRefusal } from './client-registration-policy.ts';
import { SECRET_IS_DIGESTED } from './clients.ts';
import { OAuthRefusal, refusing } from './errors.ts';
import { offerBody } from './internals.ts';
import { ROUTES } from './routes.ts';
import { extendRequestState, type Registrar, requestState } from './request-state.ts';

export interface RegistrationOptions {
  readonly context: AppContext;
  readonly answerOnce: AnswerOnce;
  /** Bytes. */
  readonly limit: number;
}

/** RFC 7591 and RFC 7592 around the engine's endpoints: who may register, what may be registered, what is granted. */
export function registration({ context, answerOnce, limit }: RegistrationOptions): Middleware {
  return async (ctx, next) => {
    if (!ctx.path.startsWith(ROUTES.registration)) return next();
    const creates = ctx.path === ROUTES.registration && ctx.method === 'POST';
    const updates = ctx.path !== ROUTES.registration && ctx.method === 'PUT';
    try {
      if (creates) {
        const asked = await admit(context, ctx, limit);
        return await create(context, ctx, answerOnce, asked, () => register(context, ctx, next));
      }
      if (updates) await readUpdate(context, ctx, limit);
    } catch (error) {
      const refusal = refusalOf(error);
      if (!refusal) throw error;
      refuse(ctx, refusal);
      return undefined;
    }
    await next();
    // RFC 7592 §3 would have the secret repeated; it is kept as a digest only. A new one is told.
    const body = ctx.status === 200 ? (ctx.body as Record<string, unknown>) : {};
    if (body.client_secret === SECRET_IS_DIGESTED) delete body.client_secret;
    return undefined;
  };
}

async function register(context: AppContext, ctx: Context, next: () => Promise<void>): Promise<Answer> {
  await next();
  if (ctx.status === 201) answerCreated(context, ctx);
  return { status: ctx.status, body: ctx.body };
}

/** Registers once for each Idempotency-Key, where there is one. */
async function create(
  context: AppContext,
  ctx: Context,
  answerOnce: AnswerOnce,
  { body, registrar }: { body: unknown; registrar: Registrar | undefined },
  produce: () => Promise<Answer>,
): Promise<void> {
  const field = ctx.req.headers['idempotency-key'] as string | undefined;
  const read = readIdempotencyKey(field, { anonymous: registrar === undefined });
  if (read?.fault !== undefined) throw new RegistrationRefusal(400, 'invalid_request', read.fault);
  if (!read) {
    await inOneCommit(context, produce);
    return;
  }
  const { origin } = requestState(ctx);
  const owner =
    registrar === undefined ? `network ${networkOf(origin.sourceIp)}` : `client ${registrar.actor}`;
  const { method, path } = ctx;
  const request = { key: read.key, owner, method, path, body };
  const caller = { actor: null, ...registrar, origin };
  const outcome = await refusing('token', () => answerOnce(request, caller, produce));
  if (outcome.kind === 'reused') throw new RegistrationRefusal(422, 'invalid_request', KEY_REUSED);
  if (outcome.kind === 'answered') return;
  ctx.status = outcome.answer.status;
  ctx.body = outcome.answer.body;
  ctx.set('cache-control', 'no-store');
  ctx.set(REPEATED_FIELD.name, REPEATED_FIELD.value);
}

/** The client is stored with the token that manages it, or not at all: nobody else could ever hold it. */
async function inOneCommit({ store }: AppContext, produce: () => Promise<Answer>): Promise<void> {
  const made = await deferUnits(produce);
  if ('refusal' in made) throw made.refusal;
  const { unit } = made;
  if (unit && made.result.status < 300) await refusing('token', () => store.commit(unit));
}

/** R13: `open` for anyone, `token` with an `admin:write` token, `closed` for nobody. */
async function admit(context: AppContext, ctx: Context, limit: number) {
  const { registration: mode } = context.settings;
  const registrar = await administrator(context, ctx);
  if (mode === 'closed') throw new RegistrationRefusal(403, 'access_denied', 'registration is closed');
  if (mode === 'token' && registrar === undefined) {
    throw new RegistrationRefusal(401, 'invalid_token', 'registration needs a token with admin:write');
  }
  const body = await readJson(ctx, limit);
  const { scope: asked, ...metadata } = body;
  // As of all other members, and of requests for tokens: what is empty is not asked for.
  const scope = asked === '' || asked === null ? undefined : asked;
  if (scope !== undefined && typeof scope !== 'string') {
    throw new RegistrationRefusal(400, 'invalid_client_metadata', 'scope must be a string');
  }
  requireScopeGrammar(scope);
  extendRequestState(ctx, { registration: { registrar, requestedScope: scope } });
  offerBody(ctx, JSON.stringify(checkRegistration(metadata)), 'application/json');
  return { body, registrar };
}

function requireScopeGrammar(scope: string | undefined): void {
  try {
    parseScope(scope ?? '');
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new RegistrationRefusal(400, 'invalid_client_metadata', error.message);
  }
}

/** The secret of no client. */
const NO_SECRET = 'not-the-secret';

/**
 * RFC 7592 §2.2: a secret in an update must be the client's. The engine says so of a wrong one, after it has looked at the
 * registration token: before, anybody could try secrets here.
 */
async function readUpdate(context: AppContext, ctx: Context, limit: number): Promise<void> {
  const { scope: _fixed, client_secret: secret, ...metadata } = await readJson(ctx, limit);
  const clientId = ctx.path.slice(ROUTES.registration.length + 1);
  const wrong = secret !== undefined && !(await isCurrentSecret(context, clientId, secret));
  const update = { ...checkRegistration(metadata), ...(wrong ? { client_secret: NO_SECRET } : {}) };
  offerBody(ctx, JSON.stringify(update), 'application/json');
}

async function isCurrentSecret({ store, digests, clock }: AppContext, clientId: string, secret: unknown) {
  if (typeof secret !== 'string') return false;
  const digest = digests.sha256(secret);
  const current = await store.agents.secrets(clientId, clock.now());
  return current.some((candidate) => digests.equal(candidate.digest, digest));
}

/** The administrator whose token came along; undefined without one. A bad token is refused, not ignored. */
async function administrator(context: AppContext, ctx: Context): Promise<Registrar | undefined> {
  const header = ctx.get('authorization');
  if (header === '') return undefined;
  const [scheme, value] = header.split(' ');
  const found = scheme?.toLowerCase() === 'bearer' && value ? await resolveToken(context, value) : undefined;
  const live = found?.liveness === 'live' ? found : undefined;
  const known = live?.token.kind === 'access' && live.token.keyThumbprint === null;
  // The audit trail names whoever holds a good token, whatever becomes of the request.
  if (known) extendRequestState(ctx, { directClient: live.token.clientId });
  const good =
    known &&
    live.token.audience === context.settings.adminAudience &&
    covers(live.token.scope, ['admin:write']);
  if (!good) throw new RegistrationRefusal(401, 'invalid_token', 'the token does not allow registration');
  return { actor: live.token.clientId, standsOn: stillStands(live) };
}

async function readJson(ctx: Context, limit: number): Promise<Record<string, unknown>> {
  if (ctx.request.type !== 'application/json') {
    throw new RegistrationRefusal(
      400,
      'invalid_client_metadata',
      'send application/json (RFC 7591 section 3.1)',
    );
  }
  let value: unknown;
  try {
    const bytes = await getRawBody(ctx.req, { limit, length: ctx.request.length ?? null });
    value = parseBoundedJson(readUtf8(bytes));
  } catch (error) {
    const large = (error as { type?: string }).type === 'entity.too.large';
    throw new RegistrationRefusal(
      large ? 413 : 400,
      'invalid_client_metadata',
      large ? 'the body is too large' : 'the body is not JSON in UTF-8, or is nested too deeply',
    );
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RegistrationRefusal(400, 'invalid_client_metadata', 'the body must be a JSON object');
  }
  return value as Record<string, unknown>;
}

/** RFC 6750 §3.1 also for a token that was revoked before the commit. */
function refusalOf(error: unknown): RegistrationRefusal | undefined {
  if (error instanceof RegistrationRefusal) return error;
  if (!(error instanceof OAuthRefusal) || error.cause_code !== 'caller_revoked') return undefined;
  return new RegistrationRefusal(401, 'invalid_token', error.error_description ?? error.message);
}

function refuse(ctx: Context, { status, error, message }: RegistrationRefusal): void {
  ctx.status = status;
  ctx.set('cache-control', 'no-store');
  if (status === 401) ctx.set('www-authenticate', `Bearer error="${error}", error_description="${message}"`);
  ctx.body = { error, error_description: message };
}

/** RFC 7591 §3.2.1: the answer tells what was registered, which may be less than what was asked (T4). */
function answerCreated(context: AppContext, ctx: Context): void {
  const { registration: asked } = extendRequestState(ctx, {});
  const scope = grantedPermissions(context, {
    requestedScope: asked?.requestedScope,
    byAdministrator: asked?.registrar !== undefined,
  });
  const body = ctx.body as Record<string, unknown>;
  for (const name of Object.keys(body)) if (body[name] === null) delete body[name];
  body.scope = formatScope(scope);
}
