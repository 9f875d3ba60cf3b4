import type { Context } from 'koa';
import type { AuthorizationDetail } from 'oidc-provider';
import type { AppContext } from '../app/context.ts';
import { mayIntrospect, mayRevoke } from '../app/tokens/token-visibility.ts';
import { AGENT_TASK, readAgentTask } from './agent-task-object.ts';
import { allowMetadataDocument, allowMetadataFetch } from './client-id-metadata.ts';
import { requireAgent } from './clients.ts';
import type { EngineOptions } from './engine-options.ts';
import { refusing } from './errors.ts';
import { limitNewcomer, type NewcomerStep } from './rate-limit.ts';
import { requestState } from './request-state.ts';
import { defaultResource, resourceServerInfo } from './resource-indicators.ts';
import { renderLoggedOutPage, renderLogoutPage } from './views/logout-pages.ts';

/** Which parts of the engine are on, and what of them is ours to decide. */
export function engineFeatures(options: EngineOptions) {
  const { context, dpopNonceSecret, metadataDocuments, rateLimits: limits, refusals } = options;
  const limited =
    limits && ((ctx: Context, step: NewcomerStep) => limitNewcomer({ limits, refusals }, ctx, step));
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
      allowFetch: allowMetadataFetch(limited),
      allowClient: allowMetadataDocument(context, limited),
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
