import { type Configuration, errors } from 'oidc-provider';
import type { AppContext } from '../app/context.ts';
import { adapters } from './records/adapters.ts';
import { AGENT_TASK } from './agent-task-object.ts';
import { inferApplicationType } from './application-type.ts';
import { checkClientAssertion } from './client-assertion.ts';
import { checkMetadataDocument } from './client-id-metadata.ts';
import { taskExtraParams } from './authorization-request.ts';
import { consentForEach, grantOfThisAuthorization } from './consent-policy.ts';
import { engineFeatures } from './engine-features.ts';
import type { EngineOptions } from './engine-options.ts';
import { fetchForAsker } from './fetch-for-asker.ts';
import { ROUTES } from './routes.ts';
import { answerUnavailable } from './unavailable.ts';
import { renderLogoutRefused } from './views/logout-pages.ts';
import { renderErrorPage, STEP_OVER, sendErrorPage } from './views/error-page.ts';

/** OAuth 2.1 as this server means it: code only, PKCE for everyone, no symmetric signatures, exact redirect URIs. */
export function engineConfiguration(options: EngineOptions): Configuration {
  const { context, signingAlgorithm: alg, lifetimes } = options;
  return {
    adapter: adapters(options),
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
    assertJwtClientAuthClaimsAndHeader: checkClientAssertion(context.clock),
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
      validator: (_ctx, _key, _value, metadata) => {
        inferApplicationType(metadata as never);
        checkMetadataDocument(metadata);
      },
    },
    fetch: fetchForAsker(options.fetch),
    extraParams: taskExtraParams(context),
    findAccount: (_ctx, id) => findAccount(context, id),
    loadExistingGrant: (ctx) => grantOfThisAuthorization(ctx as never),
    interactions: { policy: consentForEach(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: (ctx, out, error) => {
      if (answerUnavailable(ctx, error)) return;
      if (error instanceof errors.SessionNotFound) sendErrorPage(ctx, STEP_OVER);
      else if (ctx.oidc.route === 'end_session_confirm' && ctx.status === 400) renderLogoutRefused(ctx);
      else renderErrorPage(ctx, out as never);
    },
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
    features: engineFeatures(options),
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
