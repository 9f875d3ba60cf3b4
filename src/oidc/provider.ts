import type { Middleware } from 'koa';
import compose from 'koa-compose';
import Provider from 'oidc-provider';
import { compareSecret } from './clients.ts';
import { engineConfiguration } from './engine-configuration.ts';
import { recordEngineEvents } from './engine-events.ts';
import type { EngineOptions } from './engine-options.ts';
import { authorizationCodeGrant } from './grants/authorization-code.ts';
import {
  CLIENT_CREDENTIALS,
  clientCredentials,
  clientCredentialsParameters,
} from './grants/client-credentials.ts';
import { type EngineHandler, engineGrant } from './grants/engine-grant.ts';
import { REFRESH_TOKEN, refresh, refreshTokenParameters } from './grants/refresh-token.ts';
import { TOKEN_EXCHANGE, tokenExchange, tokenExchangeParameters } from './grants/token-exchange.ts';
import { onceAuthenticated } from './internals.ts';
import { limitEngineClient } from './rate-limit.ts';
import { rememberingRefusal } from './remember-refusal.ts';
import { changeSessionIdsAtSignIn } from './session-ids.ts';
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
  changeSessionIdsAtSignIn(provider);
  const { rateLimits: limits, refusals } = options;
  if (limits) onceAuthenticated(provider, limitEngineClient({ limits, refusals }));
  const grant = { context, provider, artifacts };
  const registerRaw = provider.registerGrantType.bind(provider) as unknown as Registration;
  const register: Registration = (name, handler, ...rest) =>
    registerRaw(name, (ctx) => rememberingRefusal(ctx, () => handler(ctx)), ...rest);
  const code = builtIn.get(provider)?.get('authorization_code');
  if (!code) throw new Error('the engine registered no authorization_code handler');
  register(
    'authorization_code',
    authorizationCodeGrant(grant, code),
    new Set(['code', 'code_verifier', 'redirect_uri', 'resource', 'authorization_details']),
    new Set(['resource']),
  );
  const lists = new Set(LIST_PARAMETERS);
  register(
    CLIENT_CREDENTIALS,
    engineGrant(grant, 'token', clientCredentials),
    new Set(clientCredentialsParameters),
    lists,
  );
  register(
    REFRESH_TOKEN,
    engineGrant(grant, 'token', refresh),
    new Set(refreshTokenParameters),
    new Set(['resource']),
  );
  register(
    TOKEN_EXCHANGE,
    engineGrant(grant, 'token_exchange', tokenExchange),
    new Set(tokenExchangeParameters),
    lists,
  );
  provider.Client.prototype.compareClientSecret = function compare(
    this: { clientId: string },
    secret: unknown,
  ) {
    return compareSecret(context, this.clientId, secret);
  };
  return { provider, middleware: compose(provider.middleware) as Middleware };
}
