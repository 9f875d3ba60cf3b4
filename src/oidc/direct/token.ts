import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import type { AppContext } from '../../app/context.ts';
import { onRemembered, rereading } from '../../app/remembered-registry.ts';
import { REGISTRY_CHANGED } from '../../app/unit-of-work.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Door, refusing } from '../errors.ts';
import {
  CLIENT_CREDENTIALS,
  clientCredentials,
  clientCredentialsParameters,
} from '../grants/client-credentials.ts';
import { TOKEN_EXCHANGE, tokenExchange, tokenExchangeParameters } from '../grants/token-exchange.ts';
import type { Grant, TokenRequest } from '../grants/token-request.ts';
import { type EngineLimits, limitClient } from '../rate-limit.ts';
import { rememberingRefusal } from '../remember-refusal.ts';
import { requestState } from '../request-state.ts';
import { ROUTES } from '../routes.ts';
import type { Params } from '../task-parameters.ts';
import { CLIENT_PARAMETERS, clientBySecret, readSecret } from './client-secret.ts';
import { readParameters } from './parameters.ts';

interface DirectGrant {
  readonly door: Door;
  readonly grant: Grant;
  readonly names: ReadonlySet<string>;
}

const GRANTS: Readonly<Record<string, DirectGrant>> = {
  [CLIENT_CREDENTIALS]: direct('token', clientCredentials, clientCredentialsParameters),
  [TOKEN_EXCHANGE]: direct('token_exchange', tokenExchange, tokenExchangeParameters),
};

function direct(door: Door, grant: Grant, names: readonly string[]): DirectGrant {
  return { door, grant, names: new Set([...names, ...CLIENT_PARAMETERS, 'grant_type']) };
}

/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*$/;

/**
 * The token endpoint for what is asked most: a client with a secret wants a task token of its own or a child. The
 * grants are the same ones that the engine calls; only the reading of the request is shorter. Everything else, and
 * every doubt up to the client's authentication, is left to the engine.
 */
export function directTokens(context: AppContext, limits: EngineLimits | undefined): Middleware {
  return async (ctx, next) => {
    const asked = ctx.method === 'POST' && ctx.path === ROUTES.token ? readAsked(ctx) : undefined;
    const body =
      asked &&
      (await rememberingRefusal(ctx, () => refusing(asked.door, () => answer(context, ctx, asked, limits))));
    if (!body) return next();
    ctx.set('cache-control', 'no-store');
    ctx.body = body;
  };
}

interface Asked extends DirectGrant {
  readonly grantType: string;
  readonly params: Params;
}

/** Undefined for what the engine knows better: other grants, RFC 9396 details, parameters out of order. */
function readAsked(ctx: Context): Asked | undefined {
  const form = ctx.state.oauthBody as URLSearchParams;
  const grantType = form.get('grant_type') ?? '';
  const known = Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined;
  const params = known && readParameters(form, known.names);
  if (!params || params['authorization_details'] !== undefined) return undefined;
  if (params['scope'] !== undefined && !SCOPE.test(String(params['scope']))) return undefined;
  return { ...known, grantType, params };
}

/** The token response; undefined when the client is the engine's to judge. @throws DomainError, engine errors */
async function answer(context: AppContext, ctx: Context, asked: Asked, limits: EngineLimits | undefined) {
  const { registry } = context.store;
  const view = await registry.remembered();
  const remembering = onRemembered(context, view);
  const request = await readRequest(remembering, ctx, asked);
  if (!request) return undefined;
  if (limits) {
    const { agent } = request;
    const reread = rereading(context, view, agent.clientId);
    await limitClient(limits, ctx, { agent, isPublic: false, reread });
  }
  try {
    return await asked.grant(remembering, request);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const current = await registry.isCurrent(view.version);
    if (current && error !== REGISTRY_CHANGED) throw error;
  }
  // Decided on what is no longer so: once more, on what is.
  const again = await readRequest(context, ctx, asked);
  return again && asked.grant(context, again);
}

function isRefusal(error: unknown): boolean {
  return error instanceof DomainError || error instanceof errors.OIDCProviderError;
}

async function readRequest(
  context: AppContext,
  ctx: Context,
  { grantType, params }: Asked,
): Promise<TokenRequest | undefined> {
  const credentials = readSecret(ctx, params);
  const agent = credentials && (await clientBySecret(context, ctx, credentials));
  const granted = agent?.metadata['grant_types'];
  if (!agent || !Array.isArray(granted) || !granted.includes(grantType)) return undefined;
  return {
    agent,
    publicClient: false,
    allows: (other) => granted.includes(other),
    params,
    origin: requestState(ctx).origin,
    keyThumbprint: undefined,
  };
}
