import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, pkce } from '../support/parties.ts';
import { basic, postForm, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

const AUTHORIZE = '/api/oauth/authorize';
const LOGOUT = '/api/oauth/logout';
const SIGNED_OUT = 'https://client.example.com/out';

let server: TestServer;
let agent: AgentParty;
let browser: BrowserSession;
beforeAll(async () => {
  server = await startServer();
  const metadata = { redirect_uris: [CALLBACK], post_logout_redirect_uris: [SIGNED_OUT] };
  const { body } = await postJson(server, '/api/oauth/register', metadata);
  const { client_id: clientId, client_secret: clientSecret } = body;
  agent = { clientId, clientSecret, headers: basic(clientId, clientSecret) };
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

/** Where a form sends the browser that another site has posted: no cookie comes with it. */
async function sentOn(path: string, form: Record<string, string>): Promise<URL> {
  const { status, headers } = await postForm(server, path, form);
  expect([status, headers.get('cache-control')]).toEqual([303, 'no-store']);
  return new URL(headers.get('location') ?? '', server.issuer);
}

describe('a request that a form of another site brings by POST', () => {
  // OpenID Connect Core §3.1.2.1: "Authorization Servers MUST support the use of the HTTP GET and POST methods".
  test('is an authorization request like any other', async () => {
    const { verifier, parameters } = pkce();
    const { searchParams } = authorizationUrl(server, agent, {
      ...parameters,
      scope: 'openid email',
      state: 'a&b=ü',
    });
    const url = await sentOn(AUTHORIZE, Object.fromEntries(searchParams));
    expect(url.pathname).toBe(AUTHORIZE);
    const back = await browser.allow(url);
    expect(back.searchParams.get('state')).toBe('a&b=ü');
    const code = back.searchParams.get('code') ?? back.href;
    const { body } = await redeemCode(server, agent, { code, verifier, redirectUri: CALLBACK });
    expect(body.scope).toBe('openid email');

    // OpenID Connect RP-Initiated Logout 1.0 §2: "MUST support the use of the HTTP GET and POST methods".
    const hint = { id_token_hint: String(body.id_token), post_logout_redirect_uri: SIGNED_OUT, state: 's' };
    const page = await browser.pages.open(await sentOn(LOGOUT, hint));
    expect(page.html).toContain('name="logout" value="yes"');
    const done = await browser.pages.submit(page, { logout: 'yes' });
    expect(done.location?.href).toBe(`${SIGNED_OUT}?state=s`);
  });

  test.each([AUTHORIZE, LOGOUT])('goes nowhere else from %s, whatever it says', async (path) => {
    const url = await sentOn(path, { redirect_uri: 'https://elsewhere.example.com', '//elsewhere': '\r\n#' });
    expect([url.origin, url.pathname, url.hash]).toEqual([new URL(server.issuer).origin, path, '']);
  });

  test('is refused where it is too long for an address', async () => {
    const longest = { authorization_details: 'a'.repeat(7_900) };
    await sentOn(AUTHORIZE, longest);
    const { status, body } = await postForm(server, AUTHORIZE, { ...longest, state: 'b'.repeat(100) });
    expect([status, body]).toEqual([
      413,
      { error: 'invalid_request', error_description: expect.stringContaining('RFC 9126') },
    ]);
  });

  test.each([
    ['another type', 'text/plain', 'client_id=x'],
    ['letters that are no UTF-8', 'application/x-www-form-urlencoded', 'client_id=%FF'],
  ])('is refused with %s', async (_what, type, body) => {
    const answer = await send(server, AUTHORIZE, { method: 'POST', body, headers: { 'content-type': type } });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('invalid_request');
  });
});
