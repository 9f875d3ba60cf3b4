import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as client from 'openid-client';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { CALLBACK } from '../support/code-flow.ts';
import { type AgentParty, createPerson, type PersonParty, registerAgent } from '../support/parties.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from '../support/token-requests.ts';

/** openid-client as it is published: nothing of it is replaced or told to look away, but for plain http. */
let server: TestServer;
let agent: AgentParty;
let helper: AgentParty;
let person: PersonParty;
let browser: BrowserSession;
let config: client.Configuration;

const INSECURE = { execute: [client.allowInsecureRequests] };
const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANTS });
  helper = await registerAgent(server);
  person = await createPerson(server);
  browser = browserOf(server, person);
  config = await configurationOf(agent);
});
afterAll(() => server.stop());

function configurationOf({ clientId, clientSecret }: AgentParty, algorithm: 'oidc' | 'oauth2' = 'oidc') {
  return client.discovery(
    new URL(server.issuer),
    clientId,
    undefined,
    client.ClientSecretBasic(clientSecret),
    { ...INSECURE, algorithm },
  );
}

async function challenge() {
  const verifier = client.randomPKCECodeVerifier();
  const parameters = {
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  return { verifier, parameters };
}

describe('openid-client', () => {
  test.each(['oidc', 'oauth2'] as const)(
    '[S1] [S2] discovers the server by its %s document',
    async (algorithm) => {
      const found = await configurationOf(agent, algorithm);
      expect(found.serverMetadata().issuer).toBe(server.issuer);
      expect(found.serverMetadata().supportsPKCE()).toBe(true);
    },
  );

  test('[S7] [S13] gets a code with PKCE, state, nonce and iss, and an ID token', async () => {
    const { verifier, parameters } = await challenge();
    const state = client.randomState();
    const nonce = client.randomNonce();
    const url = client.buildAuthorizationUrl(config, {
      ...parameters,
      redirect_uri: CALLBACK,
      scope: 'openid reports:read',
      resource: server.defaultAudience,
      task_description: 'Read the reports',
      state,
      nonce,
    });
    const back = await browser.allow(url);
    const tokens = await client.authorizationCodeGrant(config, back, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    expect(tokens.claims()).toMatchObject({ sub: person.userId, nonce });
    expect(tokens.scope).toBe('reports:read');
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token);
    expect(refreshed['task_id']).toBe(tokens['task_id']);
  });

  test('[S33] pushes the authorization request first', async () => {
    const { verifier, parameters } = await challenge();
    const url = await client.buildAuthorizationUrlWithPAR(config, {
      ...parameters,
      redirect_uri: CALLBACK,
      scope: 'reports:read',
      task_id: 'pushed-task',
    });
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const back = await browser.allow(url);
    const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier });
    expect(tokens['task_id']).toBe('pushed-task');
  });

  test('asks userinfo about the person', async () => {
    const { verifier, parameters } = await challenge();
    const url = client.buildAuthorizationUrl(config, {
      ...parameters,
      redirect_uri: CALLBACK,
      scope: 'openid email',
    });
    const tokens = await client.authorizationCodeGrant(config, await browser.allow(url), {
      pkceCodeVerifier: verifier,
    });
    const info = await client.fetchUserInfo(config, tokens.access_token, person.userId);
    expect(info.email).toBe(person.email);
  });

  test('opens a task by client_credentials with the challenge as extra parameters, and refreshes it', async () => {
    const { verifier, parameters } = await challenge();
    const tokens = await client.clientCredentialsGrant(config, { scope: 'reports:read', ...parameters });
    expect(tokens['task']).toMatchObject({ verifier_bound: true });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', {
      code_verifier: verifier,
    });
    expect(refreshed['task_id']).toBe(tokens['task_id']);
    await expect(client.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
      error_description: expect.stringMatching(/^verifier_mismatch: /),
    });
  });

  test('[S30] exchanges a token for a child, hands one off, introspects and revokes', async () => {
    const { verifier, parameters } = await challenge();
    const root = await client.clientCredentialsGrant(config, { ...parameters, delegates: helper.clientId });
    const subject = { subject_token: root.access_token, subject_token_type: ACCESS_TOKEN };
    const handOff = await client.genericGrantRequest(config, TOKEN_EXCHANGE, {
      ...subject,
      code_verifier: verifier,
      delegate_to: helper.clientId,
      scope: 'reports:read',
    });
    const own = await challenge();
    const child = await client.genericGrantRequest(await configurationOf(helper), TOKEN_EXCHANGE, {
      subject_token: handOff.access_token,
      subject_token_type: ACCESS_TOKEN,
      ...own.parameters,
    });
    expect(child).toMatchObject({
      issued_token_type: ACCESS_TOKEN,
      parent_task_id: root['task_id'],
      scope: 'reports:read',
    });
    const before = await client.tokenIntrospection(config, child.access_token);
    expect(before).toMatchObject({ active: true, client_id: helper.clientId, sub: agent.clientId });
    await client.tokenRevocation(config, root.access_token);
    expect(await client.tokenIntrospection(config, child.access_token)).toEqual({ active: false });
  });

  test('calls a protected API with the token and the task it is for', async () => {
    const { parameters } = await challenge();
    const tokens = await client.clientCredentialsGrant(config, parameters);
    const url = new URL(server.defaultAudience);
    const headers = new Headers({ 'x-task-id': tokens['task_id'] as string });
    const response = await client.fetchProtectedResource(
      config,
      tokens.access_token,
      url,
      'GET',
      undefined,
      headers,
    );
    expect(response.status).toBe(200);
  });

  test('[S22] registers itself and is told what it is', async () => {
    const registered = await client.dynamicClientRegistration(
      new URL(server.issuer),
      {
        redirect_uris: [CALLBACK],
        client_name: 'A newcomer',
        grant_types: ['authorization_code', 'refresh_token'],
        scope: 'reports:read reports:write offline_access',
      },
      undefined,
      INSECURE,
    );
    const metadata = registered.clientMetadata();
    expect(metadata).toMatchObject({ client_secret_expires_at: 0, redirect_uris: [CALLBACK] });
    expect(metadata['scope']).toBe('reports:read');
    const { verifier, parameters } = await challenge();
    const url = client.buildAuthorizationUrl(registered, {
      ...parameters,
      redirect_uri: CALLBACK,
      scope: 'reports:read',
    });
    const tokens = await client.authorizationCodeGrant(registered, await browser.allow(url), {
      pkceCodeVerifier: verifier,
    });
    expect(tokens.scope).toBe('reports:read');
    expect(tokens.refresh_token).toEqual(expect.any(String));
  });
});
