import type { Context, Middleware } from 'koa';
import compose from 'koa-compose';
import Provider, {
  type Adapter,
  type AuthorizationDetail,
  type Configuration,
  interactionPolicy,
} from 'oidc-provider';
import type { AppContext } from '../app/context.ts';
import type { Artifacts } from '../app/ports.ts';
import type { RefusalRecorder } from '../app/record-refusal.ts';
import { mayIntrospect, mayRevoke } from '../app/token-visibility.ts';
import { ArtifactAdapter } from './adapter.ts';
import { recordEngineEvents } from './engine-events.ts';
import { AGENT_TASK, readAgentTask } from './agent-task-object.ts';
import { defaultResource, resourceServerInfo, taskExtraParams } from './authorization-request.ts';
import { ClientAdapter } from './client-adapter.ts';
import { inferApplicationType } from './application-type.ts';
import { allowMetadataDocument } from './client-id-metadata.ts';
import { compareSecret, requireAgent } from './clients.ts';
import { OAuthRefusal, refusing } from './errors.ts';
import { authorizationCodeGrant, type EngineHandler } from './grants/authorization-code.ts';
import {
  CLIENT_CREDENTIALS,
  clientCredentialsGrant,
  clientCredentialsParameters,
} from './grants/client-credentials.ts';
import { REFRESH_TOKEN, refreshTokenGrant, refreshTokenParameters } from './grants/refresh-token.ts';
import { TOKEN_EXCHANGE, tokenExchangeGrant, tokenExchangeParameters } from './grants/token-exchange.ts';
import { requestState } from './request-state.ts';
import { LIST_PARAMETERS } from './task-parameters.ts';
import { TokenAdapter } from './token-adapter.ts';
import { renderErrorPage } from './views/error-page.ts';
import { renderLoggedOutPage, renderLogoutPage } from './views/logout-pages.ts';

export interface EngineOptions {
  readonly context: AppContext;
  readonly artifacts: Artifacts;
  readonly refusals: RefusalRecorder;
  /** Private JWKs for ID tokens, the signing one first. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
  readonly signingAlgorithm: 'ES256' | 'EdDSA' | 'RS256';
  readonly cookieKeys: readonly string[];
  /** 32 bytes. */
  readonly dpopNonceSecret: Buffer;
  /** Seconds. */
  readonly lifetimes: {
    readonly authorizationCode: number;
    readonly interaction: number;
    readonly session: number;
    readonly pushedRequest: number;
  };
  readonly scopes: readonly string[];
  /** Client ID Metadata Documents: a client names itself by an https URL. */
  readonly metadataDocuments: boolean;
  /** Fetches metadata documents; the engine refuses special-use addresses of its own dispatcher. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export const ROUTES = {
  authorization: '/api/oauth/authorize',
  token: '/api/oauth/token',
  pushed_authorization_request: '/api/oauth/par',
  introspection: '/api/oauth/introspect',
  revocation: '/api/oauth/revoke',
  registration: '/api/oauth/register',
  userinfo: '/api/oauth/userinfo',
  jwks: '/api/oauth/jwks',
  end_session: '/api/oauth/logout',
} as const;

const TOKEN_MODELS = new Set(['AccessToken', 'RefreshToken', 'ClientCredentials']);

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
  const provider = new Engine(context.settings.issuer, configuration(options));
  provider.proxy = false;
  recordEngineEvents(provider, options.refusals);
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

function adapterFactory({ context, artifacts }: EngineOptions) {
  return (model: string): Adapter => {
    if (model === 'Client') return new ClientAdapter(context);
    if (TOKEN_MODELS.has(model)) return new TokenAdapter(model, context);
    return new ArtifactAdapter(model, { context, artifacts });
  };
}

function configuration(options: EngineOptions): Configuration {
  const { context, signingAlgorithm: alg, lifetimes } = options;
  return {
    adapter: adapterFactory(options),
    jwks: { keys: [...options.jwks.keys] },
    routes: ROUTES,
    cookies: {
      keys: [...options.cookieKeys],
      names: {
        session: '_taskgrant_session',
        interaction: '_taskgrant_interaction',
        resume: '_taskgrant_resume',
      },
      long: { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
      short: { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
    },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', ...options.scopes],
    claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
    subjectTypes: ['public'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: alg === 'EdDSA' ? 'EdDSA' : alg,
      token_endpoint_auth_method: 'client_secret_basic',
      // The engine takes an absent list (RFC 9396 §10) for an empty one.
      authorization_details_types: [AGENT_TASK],
    },
    enabledJWA: {
      clientAuthSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
      idTokenSigningAlgValues: [alg],
      dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
    } as never,
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    issueRefreshToken: () => false,
    conformIdTokenClaims: false,
    clientBasedCORS: () => true,
    // T1–T3: the engine applies its rules for loopback and custom schemes to native clients only.
    extraClientMetadata: {
      properties: ['taskgrant_native'],
      validator: (_ctx, _key, _value, metadata) => inferApplicationType(metadata as never),
    },
    ...(options.fetch ? { fetch: options.fetch } : {}),
    extraParams: taskExtraParams(context),
    findAccount: (_ctx, id) => findAccount(context, id),
    loadExistingGrant: (ctx) => grantOfThisAuthorization(ctx as never),
    interactions: { policy: consentForEach(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: (ctx, out) => renderErrorPage(ctx, out as never),
    ttl: {
      AuthorizationCode: lifetimes.authorizationCode,
      Interaction: lifetimes.interaction,
      PushedAuthorizationRequest: lifetimes.pushedRequest,
      Session: lifetimes.session,
      Grant: Math.max(context.settings.limits.codeTaskSeconds, context.settings.limits.taskMaxSeconds),
      AccessToken: context.settings.limits.accessTokenSeconds,
      RefreshToken: context.settings.limits.refreshTokenSeconds,
      IdToken: 3600,
    },
    features: features(options),
  };
}

function features({ context, dpopNonceSecret, metadataDocuments }: EngineOptions) {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: allowed(context, mayIntrospect) },
    revocation: { enabled: true, allowedPolicy: allowed(context, mayRevoke) },
    registration: {
      enabled: true,
      initialAccessToken: false,
      idFactory: () => `cli_${context.ids.next()}`,
      secretFactory: () => `tgs_${context.ids.secret()}`,
    },
    clientIdMetadataDocument: {
      ack: 'draft-02',
      enabled: metadataDocuments,
      allowClient: allowMetadataDocument(context),
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
    pushedAuthorizationRequests: { enabled: true },
    dPoP: { enabled: true, nonceSecret: dpopNonceSecret },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: renderLogoutPage,
      postLogoutSuccessSource: renderLoggedOutPage,
    },
    userinfo: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: defaultResource(context),
      getResourceServerInfo: resourceServerInfo(context),
      useGrantedResource: () => true,
    },
    richAuthorizationRequests: {
      enabled: true,
      types: { [AGENT_TASK]: { validate: validateAgentTask } },
      authorizationDetailsForGrantSource: () => undefined,
      authorizationDetailsForAccessToken: () => undefined,
      authorizationDetailsForIntrospection: (_ctx: unknown, token: object) =>
        (token as { rar?: AuthorizationDetail[] }).rar,
    },
  };
}

async function validateAgentTask(_ctx: unknown, detail: unknown): Promise<void> {
  await refusing('token', () => readAgentTask(JSON.stringify([detail])));
}

type Visibility = typeof mayIntrospect;

/** R11: an authenticated client that is not active gets `unauthorized_client`. */
function allowed(context: AppContext, rule: Visibility) {
  return async (ctx: unknown): Promise<boolean> => {
    const koa = ctx as Context;
    const agent = await refusing('token', () => requireAgent(context, koa));
    const found = await requestState(koa).presentedToken();
    return found !== undefined && rule(context, agent, found);
  };
}

async function findAccount({ store }: AppContext, userId: string) {
  const user = await store.users.byId(userId);
  if (user?.state !== 'active') return undefined;
  return {
    accountId: user.userId,
    claims: async () => ({ sub: user.userId, email: user.email, name: user.name }),
  };
}

/** One consent for one authorization: a code always belongs to the task that the person has just seen. */
async function grantOfThisAuthorization(ctx: {
  oidc: { result?: { consent?: { grantId?: string } }; provider: Provider };
}) {
  const grantId = ctx.oidc.result?.consent?.grantId;
  return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
}

function consentForEach() {
  const policy = interactionPolicy.base();
  const { Check } = interactionPolicy;
  policy
    .get('login')
    ?.checks.add(
      new Check('account_gone', 'the account can no longer be used', 'login_required', (ctx) =>
        ctx.oidc.session?.accountId && !ctx.oidc.account ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
      ),
    );
  policy
    .get('consent')
    ?.checks.add(
      new Check(
        'consent_for_each',
        'every authorization opens a task of its own',
        'consent_required',
        (ctx) => (ctx.oidc.result?.consent ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT),
      ),
    );
  return policy;
}
