import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, authorize, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import {
  type AgentParty,
  createPerson,
  pkce,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import { postForm, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { clientCredentials, introspect, requestToken, TOKEN_EXCHANGE } from '../support/token-requests.ts';

/** Cause: agentictrust, and the incidents of others that each test names. */
let server: TestServer;
let agent: AgentParty;
let other: AgentParty;
let browser: BrowserSession;

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  const over = { redirect_uris: [CALLBACK], grant_types: GRANTS };
  agent = await registerAgent(server, over);
  other = await registerAgent(server, over);
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

/** Where an authorization request ends that nobody is asked about, or the page that refuses it. */
async function answerTo(form: Record<string, string>) {
  const { status, headers } = await send(server, authorizationUrl(server, agent, form).href);
  const location = headers.get('location');
  return { status, error: location && new URL(location, server.issuer).searchParams.get('error'), location };
}

describe('PKCE', () => {
  test('was plain by default (agentictrust): now a request without S256 gets no code', async () => {
    const { challenge, verifier } = pkce();
    for (const form of [
      { code_challenge: challenge },
      { code_challenge: challenge, code_challenge_method: 'plain' },
      { code_challenge: verifier, code_challenge_method: 'plain' },
      { code_challenge: challenge, code_challenge_method: 's256' },
    ]) {
      expect((await answerTo({ scope: 'reports:read', ...form })).error).toBe('invalid_request');
      const { body } = await clientCredentials(server, agent, form);
      expect(body).toMatchObject({ error: 'invalid_request', task_error: 'challenge_required' });
    }
  });

  test('could be left out of the request by whoever passed it on (CVE-2025-4144): now there is no code without it', async () => {
    expect((await answerTo({ scope: 'reports:read' })).error).toBe('invalid_request');
    const pushed = await postForm(
      server,
      '/api/oauth/par',
      { response_type: 'code', redirect_uri: CALLBACK, scope: 'reports:read' },
      agent.headers,
    );
    expect(pushed.body.error).toBe('invalid_request');
  });

  test.each([
    ['left out', { code_verifier: undefined }],
    ['empty', { code_verifier: '' }],
    ['of another request', { code_verifier: pkce().verifier }],
    ['shorter than RFC 7636 allows', { code_verifier: 'short' }],
  ])(
    'was skipped when the verifier was %s (CVE-2023-48228): now the code is worth nothing',
    async (_how, form) => {
      const code = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
      const { status, body } = await redeemCode(server, agent, code, form);
      expect(status).toBe(400);
      expect(['invalid_grant', 'invalid_request']).toContain(body.error);
      expect(body).not.toHaveProperty('access_token');
    },
  );

  test('a verifier that is sent when refreshing was answered 500 (agentictrust): now it is no error', async () => {
    const task = await authorize(server, { agent, browser, form: { scope: 'reports:read' } });
    const refreshed = await requestToken(server, agent, {
      grant_type: 'refresh_token',
      refresh_token: task.body.refresh_token,
      code_verifier: task.verifier,
    });
    expect(refreshed.status).toBe(200);
    expect(refreshed.body.task_id).toBe(task.taskId);
  });
});

describe('the redirect URI', () => {
  test.each([
    'https://evil.example/callback',
    'https://client.example.com/callback/',
    'https://client.example.com/callback?x=1',
    'https://client.example.com/callback/../evil',
    'https://client.example.com@evil.example/callback',
    'http://client.example.com/callback',
    'javascript:alert(1)',
  ])('%s was not compared with the registered ones (agentictrust): now nobody is sent there', async (uri) => {
    const { status, location } = await answerTo({
      redirect_uri: uri,
      scope: 'reports:read',
      ...pkce().parameters,
    });
    expect(status).toBe(400);
    expect(location).toBeNull();
  });

  test('of the code and of its redemption could differ (agentictrust): now they are compared', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
    const { body } = await redeemCode(server, agent, code, {
      redirect_uri: 'https://client.example.com/other',
    });
    expect(body.error).toBe('invalid_grant');
  });
});

describe('the audience of a code', () => {
  test('was not bound to what was approved (CVE-2026-67332): now redemption and refresh stay within it', async () => {
    const [asked, never] = [await registerResourceServer(server), await registerResourceServer(server)];
    const form = { scope: 'reports:read', resource: asked.audience };
    const code = await getCode(server, { agent, browser, form });
    const wide = await redeemCode(server, agent, code, { resource: never.audience });
    expect(wide.body.error).toBe('invalid_target');
    const task = await authorize(server, { agent, browser, form });
    for (const resource of [never.audience, server.apiAudience, [asked.audience, never.audience]]) {
      const { body } = await requestToken(server, agent, {
        grant_type: 'refresh_token',
        refresh_token: task.body.refresh_token,
        resource,
      });
      expect(body.error).toBe('invalid_target');
    }
    expect((await introspect(server, asked, task.token)).aud).toBe(asked.audience);
    expect(await introspect(server, never, task.token)).toEqual({ active: false });
  });

  test('a code of one client could be redeemed by another: now it is refused', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: 'reports:read' } });
    expect((await redeemCode(server, other, code)).body.error).toBe('invalid_grant');
  });
});

describe('dynamic registration', () => {
  test.each([
    ['a usual client', { redirect_uris: [CALLBACK], client_name: 'MCP client' }, 201],
    ['nothing at all', {}, 201],
    ['redirect URIs that are none', { redirect_uris: ['not a uri'] }, 400],
    ['the wrong types', { redirect_uris: 'https://client.example.com/callback', grant_types: 7 }, 400],
    ['unknown members', { redirect_uris: [CALLBACK], favourite_colour: ['green'] }, 201],
  ])('with %s was answered 500 (agentictrust): now it is answered', async (_what, metadata, expected) => {
    const { status, body } = await postJson(server, '/api/oauth/register', metadata);
    expect(status).toBe(expected);
    expect(status === 201 ? typeof body.client_id : typeof body.error).toBe('string');
  });
});
