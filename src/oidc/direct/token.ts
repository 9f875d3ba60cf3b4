import type { Context, Middleware } from 'koa';
import type { AppContext } from '../../app/context.ts';
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
    if (ctx.method !== 'POST' || ctx.path !== ROUTES.token) return next();
    const form = ctx.state.oauthBody as URLSearchParams;
    const grantType = form.get('grant_type') ?? '';
    const known = Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined;
    const request = known && (await readRequest(context, ctx, form, { grantType, names: known.names }));
    if (!request) return next();
    ctx.set('cache-control', 'no-store');
    if (limits) await limitClient(limits, ctx, { agent: request.agent, isPublic: false });
    ctx.body = await rememberingRefusal(ctx, () => refusing(known.door, () => known.grant(context, request)));
  };
}

async function readRequest(
  context: AppContext,
  ctx: Context,
  form: URLSearchParams,
  { grantType, names }: { grantType: string; names: ReadonlySet<string> },
): Promise<TokenRequest | undefined> {
  const params = readParameters(form, names);
  // What RFC 9396 details mean for the resource is the engine's to say.
  if (!params || params['authorization_details'] !== undefined) return undefined;
  if (params['scope'] !== undefined && !SCOPE.test(String(params['scope']))) return undefined;
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
