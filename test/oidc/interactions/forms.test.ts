import { describe, expect, test } from '@jest/globals';
import { hiddenFields } from '../../browser/page-client.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();

describe('a form that is not the person’s own', () => {
  test.each([
    ['no token', { form_token: undefined }],
    ['a made-up token', { form_token: 'A'.repeat(43) }],
  ])('is refused with %s, and recorded', async (_name, fields) => {
    const { browser, page } = await atConsent(await app.agent(), user);
    const answer = await browser.submit(page, fields);
    expect(answer.status).toBe(403);
    expect(answer.html).toContain('The form was not accepted');
    expect((await app.events('request_refused'))[0]?.reason).toMatch(/does not belong to this browser/);
  });

  test('is refused with the token of another request of the same browser', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    const other = await browser.open(authorizePath(agent));
    const token = Object.fromEntries(hiddenFields(other.html)).form_token;
    expect((await browser.submit(page, { form_token: token })).status).toBe(403);
    expect((await browser.submit(page, {})).status).toBe(303);
  });

  test('is refused with a token that another browser got', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    const attacker = await atConsent(agent, user);
    const token = Object.fromEntries(hiddenFields(attacker.page.html)).form_token;
    expect((await browser.submit(page, { form_token: token })).status).toBe(403);
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 303],
    [{ 'sec-fetch-site': 'none' }, 303],
    [{}, 303],
  ])('is known by what the browser says of it: %j → %i', async (headers: Record<string, string>, status) => {
    const { browser, page } = await atConsent(await app.agent(), user);
    expect((await browser.submit(page, {}, { headers })).status).toBe(status);
  });

  test('the browser is marked by a cookie that no script reads', async () => {
    const browser = newBrowser();
    await browser.open(authorizePath(await app.agent()));
    const mark = browser.cookies().find(({ name }) => name === '_taskgrant_form');
    expect(mark?.attributes).toMatch(/httponly/i);
    expect(mark?.attributes).toMatch(/samesite=lax/i);
  });
});

describe('requests that are out of place', () => {
  test('an unknown request is answered with a page that says what to do', async () => {
    const browser = newBrowser();
    const answer = await browser.open('/interaction/AAAAAAAAAAAAAAAAAAAAAA');
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toMatch(/text\/html/);
    expect(answer.html).toContain('This request has ended');
    expect(answer.html).toMatch(/Request id<\/dt><dd><code>[\w-]+/);
  });

  test('a request of another browser looks like one that never was', async () => {
    const { page } = await atConsent(await app.agent(), user);
    const answer = await newBrowser().open(page.url);
    expect(answer.status).toBe(400);
    expect(answer.html).toContain('This request has ended');
  });

  test('an answered request cannot be answered again', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    const back = await browser.submit(page, {});
    expect((await redeem(agent, back.location)).status).toBe(200);
    const again = await browser.submit(page, {});
    expect(again.status).toBe(400);
    expect(again.html).toContain('This request has ended');
  });

  test('consent cannot be given before signing in', async () => {
    const browser = newBrowser();
    const page = await browser.open(authorizePath(await app.agent()));
    const answer = await browser.submit(page, {}, { action: `${page.url.pathname}/consent` });
    expect(answer.status).toBe(400);
  });

  test.each([
    ['POST', '', 405, 'GET, HEAD'],
    ['PUT', '/login', 405, 'GET, HEAD, POST'],
    ['GET', '/constructor', 404, null],
    ['POST', '/constructor', 404, null],
  ])('%s %s → %i', async (method, path, status, allow) => {
    const answer = await newBrowser().send(`/interaction/some-id${path}`, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('allow')).toBe(allow);
    expect(answer.headers.get('content-type')).toMatch(/text\/html/);
  });

  test.each(['login', 'consent', 'abort'])(
    'the address of an answered form (%s) leads back to the page',
    async (action) => {
      const { browser, page } = await atConsent(await app.agent(), user);
      const answer = await browser.send(`${page.url.pathname}/${action}`);
      expect([answer.status, answer.location?.pathname]).toEqual([303, page.url.pathname]);
    },
  );

  test('HEAD is answered like GET, without the page', async () => {
    const { browser, page } = await atConsent(await app.agent(), user);
    const answer = await browser.send(page.url, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.html).toBe('');
  });

  test.each([
    ['application/json', '{}', 415],
    ['multipart/form-data; boundary=x', '--x--', 415],
    ['application/x-www-form-urlencoded', `a=${'x'.repeat(17_000)}`, 413],
    ['application/x-www-form-urlencoded', new Uint8Array([0xff, 0xfe]), 400],
  ])('a body of %s is refused when it must be', async (type, body, status) => {
    const answer = await newBrowser().send('/interaction/some-id/login', {
      method: 'POST',
      headers: { 'content-type': type },
      body: body as string,
    });
    expect(answer.status).toBe(status);
  });
});

describe('every page', () => {
  test('runs nothing, cannot be framed and is not kept', async () => {
    const agent = await app.agent();
    const browser = newBrowser();
    const signIn = await browser.open(authorizePath(agent));
    const wrong = await browser.submit(signIn, { email: user.email, password: 'wrong' });
    const consent = await browser.submit(signIn, { email: user.email, password: PASSWORD });
    const ended = await browser.open('/interaction/unknown');
    const refused = await browser.open(authorizePath(agent, { redirect_uri: 'https://evil.example/' }));
    expect([signIn, wrong, consent, ended, refused].map(({ status }) => status)).toEqual([
      200, 422, 200, 400, 400,
    ]);
    for (const { html, headers } of [signIn, wrong, consent, ended, refused]) {
      expect(html).not.toMatch(/<script|\son\w+=|javascript:/i);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+';/);
      expect(policy).not.toMatch(/script-src|unsafe/);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers.get('x-frame-options')).toBe('DENY');
      expect(headers.get('cache-control')).toContain('no-store');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('lets its forms lead to this server and to the client alone', async () => {
    const agent = await app.agent();
    const sources = async (redirectUri: string) => {
      const page = await newBrowser().open(authorizePath(agent, { redirect_uri: redirectUri }));
      return /form-action ([^;]*)/.exec(page.headers.get('content-security-policy') ?? '')?.[1];
    };
    expect(await sources('https://client.example/callback')).toBe("'self' https://client.example");
    expect(await sources('http://127.0.0.1:49152/callback')).toBe("'self' http://127.0.0.1:49152");
    expect(await sources('cursor://anysphere/callback')).toBe("'self' cursor:");
  });
});

test('a person reads in plain words that the server does not know the application', async () => {
  const unknown = authorizePath({ ...(await app.agent()), clientId: 'agt_forgotten' });
  const page = await newBrowser().open(unknown);
  expect(page.status).toBe(400);
  expect(page.html).toContain('The application is not registered at this server, or not any more.');
  expect(page.html).toContain('<code>invalid_client</code>');
});
