import type { Middleware } from 'koa';
import compose from 'koa-compose';
import Provider from 'oidc-provider';
import { compareSecret } from './clients.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { recordEngineEvents } from './engine-events.ts';
import type { EngineOptions } from './engine-options.ts';
import { OAuthRefusal } from './errors.ts';
import { authorizationCodeGrant, type EngineHandler } from './grants/authorization-code.ts';
import {
  CLIENT_CREDENTIALS,
  clientCredentialsGrant,
  clientCredentialsParameters,
} from './grants/client-credentials.ts';
import { REFRESH_TOKEN, refreshTokenGrant, refreshTokenParameters } from './grants/refresh-token.ts';
import { TOKEN_EXCHANGE, tokenExchangeGrant, tokenExchangeParameters } from './grants/token-exchange.ts';
import { onceAuthenticated } from './internals.ts';
import { limitEngineClient } from './rate-limit.ts';
import { requestState } from './request-state.ts';
import { LIST_PARAMETERS } from './task-parameters.ts';

type Registration = (name: string, handler: EngineHandler, params: Set<string>, dupes?: Set<string>) => void;

/** Handlers that the engine registers from within its constructor, before ours replace them. */
const builtIn = new WeakMap<Provider, Map<string, EngineHandler>>();

class Engine extends Provider {
  override registerGrantType(name: string, handler: never, params?: never, dupes?: never): void {
    const known = builtIn.get(this) ?? new Map<string, EngineHandler>();
    if (!known.has(name)) known.set(name, handler);
    builtIn.set(this, known);
    super.registerGrantType(name, handler, params, dupes);
  }
}

/** The OAuth engine with our grants, adapters and policies. Rebuilt when the signing keys change. */
export function createEngine(options: EngineOptions): { provider: Provider; middleware: Middleware } {
  const { context, artifacts } = options;
  const provider = new Engine(context.settings.issuer, engineConfiguration(options));
  provider.proxy = false;
  recordEngineEvents(provider, options);
  const { rateLimits: limits, refusals } = options;
  if (limits) onceAuthenticated(provider, limitEngineClient({ limits, refusals }));
  const grant = { context, provider, artifacts };
  const registerRaw = provider.registerGrantType.bind(provider) as unknown as Registration;
  const register: Registration = (name, handler, ...rest) =>
    registerRaw(name, rememberingRefusal(handler), ...rest);
  const code = builtIn.get(provider)?.get('authorization_code');
  if (!code) throw new Error('the engine registered no authorization_code handler');
  register(
    'authorization_code',
    authorizationCodeGrant(grant, code),
    new Set(['code', 'code_verifier', 'redirect_uri', 'resource', 'authorization_details']),
    new Set(['resource']),
  );
  const lists = new Set(LIST_PARAMETERS);
  register(CLIENT_CREDENTIALS, clientCredentialsGrant(grant), new Set(clientCredentialsParameters), lists);
  register(REFRESH_TOKEN, refreshTokenGrant(grant), new Set(refreshTokenParameters), new Set(['resource']));
  register(TOKEN_EXCHANGE, tokenExchangeGrant(grant), new Set(tokenExchangeParameters), lists);
  provider.Client.prototype.compareClientSecret = function compare(
    this: { clientId: string },
    secret: unknown,
  ) {
    return compareSecret(context, this.clientId, secret);
  };
  return { provider, middleware: compose(provider.middleware) as Middleware };
}

/** The engine passes on code and description only; the audit trail wants to know whose child was refused as well. */
function rememberingRefusal(handler: EngineHandler): EngineHandler {
  return async (ctx) => {
    try {
      await handler(ctx);
    } catch (error) {
      if (error instanceof OAuthRefusal) requestState(ctx).refusal = error.details;
      throw error;
    }
  };
}
