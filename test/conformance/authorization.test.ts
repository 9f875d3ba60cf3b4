import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config/load.ts';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, type PersonParty, pkce, registerAgent } from '../support/parties.ts';
import { type Form, postForm, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let agent: AgentParty;
let other: AgentParty;
let person: PersonParty;
let browser: BrowserSession;

beforeAll(async () => {
  server = await startServer();
  const over = {
    redirect_uris: [CALLBACK, 'http://localhost/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  agent = await registerAgent(server, { agent_name: 'Travel agent', ...over });
  other = await registerAgent(server, over);
  person = await createPerson(server);
  browser = browserOf(server, person);
});
afterAll(() => server.stop());

/** Where the authorization endpoint sends the browser before anyone is asked. */
async function refusal(form: Form) {
  const { status, headers } = await send(
    server,
    authorizationUrl(server, agent, { scope: 'reports:read', state: 'abc', ...pkce().parameters, ...form })
      .href,
  );
  const location = headers.get('location');
  return { status, location: location === null ? null : new URL(location, server.issuer) };
}

describe('the authorization endpoint', () => {
  test.each([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['a challenge without a method', { code_challenge_method: undefined }],
    ['the plain method', { code_challenge_method: 'plain' }],
    ['a challenge that no S256 can be', { code_challenge: 'short' }],
  ])(
    '[S5] [S7] refuses %s from a confidential client too, and says whose answer it is',
    async (_what, form) => {
      const { location } = await refusal(form);
      expect(location?.href.startsWith(`${CALLBACK}?`)).toBe(true);
      expect(Object.fromEntries(location?.searchParams ?? [])).toMatchObject({
        error: 'invalid_request',
        state: 'abc',
        iss: server.issuer,
      });
    },
  );

  test.each([
    ['another path', 'https://client.example.com/callback/elsewhere'],
    ['a query added', 'https://client.example.com/callback?a=b'],
    ['a trailing slash', 'https://client.example.com/callback/'],
    ['another host', 'https://client.example.com.evil.example/callback'],
    ['upper case', 'https://client.example.com/CALLBACK'],
    ['a user part', 'https://client.example.com@evil.example/callback'],
    ['a scheme that browsers run', 'javascript:alert(1)'],
    ['nothing at all', undefined],
  ])('[S6] never redirects to an unregistered URI: %s', async (_what, uri) => {
    const { status, location } = await refusal({ redirect_uri: uri });
    expect({ status, location }).toEqual({ status: 400, location: null });
  });

  test('[S6] a client that does not exist gets no redirect either', async () => {
    const url = authorizationUrl(server, { clientId: 'nobody' }, pkce().parameters);
    const { status, headers } = await send(server, url.href);
    expect({ status, location: headers.get('location') }).toEqual({ status: 400, location: null });
  });

  test.each([
    ['an implicit token', 'token'],
    ['an implicit ID token', 'id_token'],
    ['a hybrid answer', 'code id_token'],
    ['nothing', 'none'],
  ])('[S9] gives no response type but code: %s', async (_what, type) => {
    const { location } = await refusal({ response_type: type });
    const params = location?.hash ? new URLSearchParams(location.hash.slice(1)) : location?.searchParams;
    expect(params?.get('error')).toMatch(/^(unsupported_response_type|invalid_request|unauthorized_client)$/);
  });

  test('[S9] knows no password grant', async () => {
    const { status, body } = await postForm(
      server,
      '/api/oauth/token',
      { grant_type: 'password', username: person.email, password: person.password },
      agent.headers,
    );
    expect({ status, error: body.error }).toEqual({ status: 400, error: 'unsupported_grant_type' });
  });

  test('[S9] its pages cannot be framed, run no script and answer no other origin', async () => {
    const page = await browser.consentPage(
      authorizationUrl(server, agent, { scope: 'reports:read', ...pkce().parameters }),
    );
    const csp = page.headers.get('content-security-policy') ?? '';
    expect(csp).toContain("frame-ancestors 'none'");
    expect(csp).toMatch(/default-src 'none'|script-src 'none'/);
    expect(page.headers.get('x-frame-options')).toMatch(/deny/i);
    const url = authorizationUrl(server, agent, pkce().parameters).href;
    const { headers } = await send(server, url, { headers: { origin: 'https://evil.example' } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('[S9] redirects with 302 or 303, never with a status that repeats a form (RFC 9700 §4.12)', async () => {
    const { status } = await refusal({ code_challenge_method: 'plain' });
    expect([302, 303]).toContain(status);
    const proof = pkce();
    const page = await browser.consentPage(
      authorizationUrl(server, agent, { scope: 'reports:read', ...proof.parameters }),
    );
    const back = await browser.pages.submit(page, {});
    expect([302, 303]).toContain(back.status);
  });

  test('sends whoever wants no page on in plain text, as is described', async () => {
    // The answer is held to the description of the API, as every other one.
    const url = authorizationUrl(server, agent, pkce().parameters).href;
    const { status, headers } = await send(server, url, { headers: { accept: 'application/json' } });
    expect([status, headers.get('content-type')]).toEqual([303, 'text/plain; charset=utf-8']);
  });

  test('[S10] the consent names the client, where the browser goes and every scope', async () => {
    const page = await browser.consentPage(
      authorizationUrl(server, agent, {
        scope: 'reports:read reports:write',
        task_description: 'Find <b>cheap</b> flights',
        ...pkce().parameters,
      }),
    );
    for (const shown of [
      'Travel agent',
      'client.example.com',
      'reports:read',
      'reports:write',
      person.email,
    ]) {
      expect(page.html).toContain(shown);
    }
    expect(page.html).toContain('&lt;b&gt;cheap&lt;/b&gt;');
    expect(page.html).not.toContain('<b>cheap</b>');
  });

  test.each([
    ['an unknown scope', { scope: 'reports:read nothing:known' }, 'invalid_scope'],
    ['a scope above its ceiling', { scope: 'files:read' }, 'invalid_scope'],
    ['an unknown resource', { resource: 'https://unknown.example.com' }, 'invalid_target'],
    ['a tool above its ceiling', { required_tools: 'delete' }, 'invalid_authorization_details'],
    ['a description with control characters', { task_description: 'a\u0007b' }, 'invalid_request'],
    ['a task_id that is none', { task_id: 'a b' }, 'invalid_request'],
    ['a parent token outside PAR', { parent_token: 'x' }, 'invalid_request'],
    ['a verifier where it would be written to logs', { code_verifier: pkce().verifier }, 'invalid_request'],
  ])('[R11] refuses %s before anyone is asked', async (_what, form, error) => {
    const { location } = await refusal(form);
    expect(location?.searchParams.get('error')).toBe(error);
  });
});

describe('an authorization code', () => {
  const code = () => getCode(server, { agent, browser, form: { scope: 'reports:read' } });
  const INVALID = { status: 400, body: { error: 'invalid_grant' } };

  test('[S7] comes with iss', async () => {
    const { back } = await code();
    expect(back.searchParams.get('iss')).toBe(server.issuer);
  });

  test('[S8] belongs to its client', async () => {
    expect(await redeemCode(server, other, await code())).toMatchObject(INVALID);
  });

  test('[S8] belongs to its redirect URI', async () => {
    const found = await code();
    const form = { redirect_uri: 'http://localhost/callback' };
    expect(await redeemCode(server, agent, found, form)).toMatchObject(INVALID);
  });

  test('[S8] belongs to its challenge', async () => {
    expect(await redeemCode(server, agent, { ...(await code()), verifier: pkce().verifier })).toMatchObject(
      INVALID,
    );
    expect(await redeemCode(server, agent, await code(), { code_verifier: undefined })).toMatchObject(
      INVALID,
    );
  });

  test('[S8] works once', async () => {
    const found = await code();
    expect((await redeemCode(server, agent, found)).status).toBe(200);
    expect(await redeemCode(server, agent, found)).toMatchObject(INVALID);
  });

  test('[S8] lives at most ten minutes, by configuration', async () => {
    const asked = () => loadConfig({ NODE_ENV: 'test', AUTHORIZATION_CODE_TTL: '601' }, tmpdir());
    expect(asked).toThrow(/600/);
  });

  test('[S6] is sent to any port of a loopback redirect', async () => {
    const form = { scope: 'reports:read', redirect_uri: 'http://localhost:51234/callback' };
    const found = await getCode(server, { agent, browser, form });
    expect(found.back.origin).toBe('http://localhost:51234');
    expect((await redeemCode(server, agent, found)).status).toBe(200);
  });
});
