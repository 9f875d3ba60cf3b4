import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, createPerson, type PersonParty, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from '../support/token-requests.ts';

/** oauth4webapi as it is published; it checks every answer against the specifications. */
let server: TestServer;
let agent: AgentParty;
let person: PersonParty;
let browser: BrowserSession;
let as: oauth.AuthorizationServer;
let self: oauth.Client;
let auth: oauth.ClientAuth;

const http = { [oauth.allowInsecureRequests]: true };
const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANTS });
  person = await createPerson(server);
  browser = browserOf(server, person);
  as = await discover('oidc');
  self = { client_id: agent.clientId };
  auth = oauth.ClientSecretPost(agent.clientSecret);
});
afterAll(() => server.stop());

async function discover(algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(server.issuer);
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...http });
  return oauth.processDiscoveryResponse(issuer, response);
}

async function challenge() {
  const verifier = oauth.generateRandomCodeVerifier();
  const parameters = {
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  return { verifier, parameters };
}

async function openTask(more: Record<string, string> = {}) {
  const { verifier, parameters } = await challenge();
  const asked = new URLSearchParams({ ...parameters, ...more });
  const response = await oauth.clientCredentialsGrantRequest(as, self, auth, asked, http);
  return { verifier, tokens: await oauth.processClientCredentialsResponse(as, self, response) };
}

async function introspect(token: string) {
  const response = await oauth.introspectionRequest(as, self, auth, token, http);
  return oauth.processIntrospectionResponse(as, self, response);
}

describe('oauth4webapi', () => {
  test('[S1] [S2] discovers the server by RFC 8414 and by OpenID', async () => {
    expect((await discover('oauth2')).issuer).toBe(server.issuer);
    expect(as.authorization_response_iss_parameter_supported).toBe(true);
  });

  test('[S7] [S11] redeems a code for a token of the resource it names, then rotates the refresh token', async () => {
    const { verifier, parameters } = await challenge();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const url = authorizationUrl(server, agent, {
      ...parameters,
      scope: 'openid reports:read',
      resource: server.defaultAudience,
      state,
      nonce,
    });
    const callback = oauth.validateAuthResponse(as, self, await browser.allow(url), state);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      self,
      auth,
      callback,
      CALLBACK,
      verifier,
      http,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, self, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    expect(oauth.getValidatedIdTokenClaims(tokens)?.sub).toBe(person.userId);
    await oauth.validateApplicationLevelSignature(as, response, http);
    expect(await introspect(tokens.access_token)).toMatchObject({
      active: true,
      aud: server.defaultAudience,
    });

    const again = await oauth.refreshTokenGrantRequest(as, self, auth, tokens.refresh_token ?? '', http);
    const refreshed = await oauth.processRefreshTokenResponse(as, self, again);
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
  });

  test('[S13] a resource server accepts the token by RFC 9068 alone', async () => {
    const { tokens } = await openTask();
    const request = new Request(server.defaultAudience, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    const claims = await oauth.validateJwtAccessToken(as, request, server.defaultAudience, http);
    expect(claims).toMatchObject({ client_id: agent.clientId, sub: agent.clientId, scope: tokens.scope });
  });

  test('[S33] pushes the authorization request', async () => {
    const { verifier, parameters } = await challenge();
    const asked = new URLSearchParams({
      ...parameters,
      client_id: agent.clientId,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: 'reports:read',
    });
    const response = await oauth.pushedAuthorizationRequest(as, self, auth, asked, http);
    const pushed = await oauth.processPushedAuthorizationResponse(as, self, response);
    const url = new URL(as.authorization_endpoint ?? '');
    url.searchParams.set('client_id', agent.clientId);
    url.searchParams.set('request_uri', pushed.request_uri);
    const callback = oauth.validateAuthResponse(as, self, await browser.allow(url));
    const redeemed = await oauth.authorizationCodeGrantRequest(
      as,
      self,
      auth,
      callback,
      CALLBACK,
      verifier,
      http,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, self, redeemed);
    expect(tokens.scope).toBe('reports:read');
  });

  test('opens a task by client_credentials and refreshes it with its verifier', async () => {
    const { verifier, tokens } = await openTask({ scope: 'reports:read' });
    const response = await oauth.refreshTokenGrantRequest(as, self, auth, tokens.refresh_token ?? '', {
      ...http,
      additionalParameters: { code_verifier: verifier },
    });
    const refreshed = await oauth.processRefreshTokenResponse(as, self, response);
    expect(refreshed).toMatchObject({ scope: 'reports:read', task_id: tokens['task_id'] });
  });

  test('[S30] exchanges a token for a child, introspects and revokes it', async () => {
    const { verifier, tokens: root } = await openTask();
    const response = await oauth.genericTokenEndpointRequest(
      as,
      self,
      auth,
      TOKEN_EXCHANGE,
      new URLSearchParams({
        subject_token: root.access_token,
        subject_token_type: ACCESS_TOKEN,
        code_verifier: verifier,
        required_tools: 'search',
      }),
      http,
    );
    const child = await oauth.processGenericTokenEndpointResponse(as, self, response);
    expect(child).toMatchObject({ granted_tools: ['search'], parent_task_id: root['task_id'] });
    expect((await introspect(child.access_token)).active).toBe(true);
    const revoked = await oauth.revocationRequest(as, self, auth, root.access_token, http);
    await oauth.processRevocationResponse(revoked);
    expect((await introspect(child.access_token)).active).toBe(false);
  });

  test('reads refusals as OAuth errors', async () => {
    await expect(openTask({ scope: 'admin:write' })).rejects.toMatchObject({
      error: 'invalid_scope',
      status: 400,
    });
  });

  test('[S22] registers a client and acts as it', async () => {
    const response = await oauth.dynamicClientRegistrationRequest(
      as,
      { grant_types: ['client_credentials'], response_types: [], redirect_uris: [], client_name: 'Robot' },
      http,
    );
    const registered = await oauth.processDynamicClientRegistrationResponse(response);
    const { parameters } = await challenge();
    const secret = oauth.ClientSecretBasic(registered.client_secret as string);
    const asked = new URLSearchParams({ ...parameters, scope: 'reports:read' });
    const issued = await oauth.clientCredentialsGrantRequest(as, registered, secret, asked, http);
    const tokens = await oauth.processClientCredentialsResponse(as, registered, issued);
    expect(tokens.scope).toBe('reports:read');
  });
});
