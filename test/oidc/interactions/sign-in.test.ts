import { describe, expect, jest, test } from '@jest/globals';
import { taskHistory } from '../../../src/app/tasks/task-history.ts';
import { QueueFullError } from '../../../src/crypto/bounded-queue.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atSignIn, atConsent, redeem, patchUser } = interactionsScene();

describe('signing in', () => {
  test('leads from the request to the consent page, and is recorded', async () => {
    const { browser, page } = await atSignIn();
    expect(page.status).toBe(200);
    expect(page.html).toContain('<h1>Sign in</h1>');
    const consent = await browser.submit(page, {
      email: ` ${user.email.toUpperCase()} `,
      password: PASSWORD,
    });
    expect(consent.html).toContain('<h1>Allow this application to act for you?</h1>');
    expect(consent.html).toContain(user.email);
    expect((await app.events('user_signed_in'))[0]).toMatchObject({
      userId: user.userId,
      actor: user.userId,
    });
  });

  test('labels its fields and tells password managers what they are', async () => {
    const { page } = await atSignIn();
    expect(page.html).toMatch(/<html lang="en">/);
    expect(page.html).toMatch(/<label for="email">[\s\S]*<input id="email"[^>]*autocomplete="username"/);
    expect(page.html).toMatch(
      /<label for="password">[\s\S]*<input id="password"[^>]*\s+autocomplete="current-password"/,
    );
  });

  test('is possible with every address that a person may have: browsers, which know fewer, do not judge it', async () => {
    const { page } = await atSignIn();
    expect(page.html).toMatch(/<form [^>]*\bnovalidate>/);
    expect(page.html).toMatch(/<input id="email"[^>]* type="email"/);
  });

  test('fills in login_hint as text', async () => {
    const { page } = await atSignIn({ login_hint: 'ada"><b>@example.com' });
    expect(page.html).toContain('value="ada&quot;&gt;&lt;b&gt;@example.com"');
  });

  test('says the same of a wrong password and of an address that nobody has', async () => {
    const known = await atSignIn();
    const unknown = await atSignIn();
    const wrong = await known.browser.submit(known.page, { email: user.email, password: 'not the password' });
    const nobody = await unknown.browser.submit(unknown.page, {
      email: 'nobody@example.com',
      password: 'not the password',
    });
    expect(wrong.status).toBe(422);
    const plain = (html: string, email: string) =>
      html
        .replaceAll(email, 'EMAIL')
        .replace(/\/interaction\/[^/]+/g, '')
        .replace(/agent-[\w-]+/g, '')
        .replace(/name="form_token" value="[^"]+"/, '');
    expect(plain(nobody.html, 'nobody@example.com')).toBe(plain(wrong.html, user.email));
    expect(nobody.status).toBe(wrong.status);
    expect(wrong.html).toMatch(/role="alert"[^>]*>\s*<h2>You could not be signed in/);
    expect((await app.events('user_sign_in_failed')).map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['unknown_user', 'wrong_password']),
    );
  });

  test('refuses a disabled person in the same words', async () => {
    const disabled = await app.person();
    await patchUser(disabled, { state: 'disabled', epoch: 1 });
    const { browser, page } = await atSignIn();
    const answer = await browser.submit(page, { email: disabled.email, password: PASSWORD });
    expect(answer.status).toBe(422);
    expect(answer.html).toContain('The e-mail address or the password is wrong');
  });

  test('names what is missing and links to it, without counting an attempt', async () => {
    const { browser, page } = await atSignIn();
    const answer = await browser.submit(page, { email: user.email, password: '' });
    expect(answer.status).toBe(422);
    expect(answer.html).toContain('<a href="#password">Enter your password</a>');
    expect(answer.html).toMatch(/id="password"[^>]*aria-invalid="true" aria-describedby="password-wrong"/);
    expect(answer.html).toContain(`value="${user.email}"`);
  });

  test('is not asked for twice in one browser, unless the client wants it with prompt=login', async () => {
    const { agent, browser, page } = await atSignIn();
    await browser.submit(page, { email: user.email, password: PASSWORD });
    const second = await browser.open(authorizePath(agent));
    expect(second.html).toContain('Allow this application');
    const third = await browser.open(authorizePath(agent, { prompt: 'login' }));
    expect(third.html).toContain('<h1>Sign in</h1>');
    const consent = await browser.submit(third, { email: user.email, password: PASSWORD });
    expect(consent.html).toContain('Allow this application');
  });

  test('is told to the client with its time, however long the person thinks about the consent', async () => {
    const agent = await app.agent();
    const over = { scope: 'openid reports:read', max_age: '3600' };
    const { browser, page } = await atConsent(agent, { ...user, over });
    const signedInAt = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(signedInAt + 300_000);
    const back = await browser.submit(page, {});
    const { body } = await redeem(agent, back.location);
    jest.restoreAllMocks();
    const [, claims = ''] = String(body.id_token).split('.');
    const { auth_time } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { auth_time: number };
    expect(Math.abs(auth_time * 1000 - signedInAt)).toBeLessThan(5000);
  });

  test('can be cancelled: the client is told', async () => {
    const { agent, browser, page } = await atSignIn();
    const back = await browser.submit(page, {}, { action: `${page.url.pathname}/abort` });
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
    expect(back.location?.searchParams.get('state')).toBe('state-of-the-client');
    expect((await app.events('authorization_denied'))[0]).toMatchObject({
      clientId: agent.clientId,
      actor: null,
    });
  });

  test('can be cancelled by anybody, who leaves no trace in the history of the task that was asked for', async () => {
    const agent = await app.agent();
    const browser = newBrowser();
    const page = await browser.open(authorizePath(agent, { task_id: 'asked-by-anybody' }));
    await browser.submit(page, {}, { action: `${page.url.pathname}/abort` });
    const denied = (await app.events('authorization_denied')).find(
      ({ clientId }) => clientId === agent.clientId,
    );
    expect(denied).toMatchObject({ taskId: null, details: { task_id: 'asked-by-anybody' } });
    const history = await taskHistory(app.context, 'asked-by-anybody', { limit: 10 });
    expect(history.items).toEqual([]);
  });

  test('another person takes the browser over: the earlier session ends', async () => {
    const { agent, browser, page } = await atSignIn();
    const consent = await browser.submit(page, { email: user.email, password: PASSWORD });
    const session = browser.cookies().filter(({ name }) => name.startsWith('_taskgrant_session'));
    const copied = { cookie: session.map(({ name, value }) => `${name}=${value}`).join('; ') };
    const asOther = async () => {
      const copy = newBrowser();
      const first = await copy.send(authorizePath(agent), { headers: copied });
      return copy.open(first.location ?? '', {});
    };
    expect((await asOther()).html).toContain('Allow this application');
    const other = await app.person();
    const signIn = await browser.open(`${consent.url.pathname}?account=other`);
    expect(signIn.html).toContain('<h1>Sign in</h1>');
    const taken = await browser.submit(signIn, { email: other.email, password: PASSWORD });
    expect(taken.html).toContain(other.email);
    expect(taken.html).not.toContain(user.email);
    expect((await asOther()).html).toContain('<h1>Sign in</h1>');
  });

  test('in another tab by another person ends the earlier session too, and needs no script', async () => {
    const [agent, other] = [await app.agent(), await app.person()];
    const browser = newBrowser();
    const [first, second] = [
      await browser.open(authorizePath(agent)),
      await browser.open(authorizePath(agent)),
    ];
    const asked = await browser.submit(first, { email: user.email, password: PASSWORD });
    const taken = await browser.submit(second, { email: other.email, password: PASSWORD });
    expect(taken.html).toContain('Allow this application');
    expect(taken.html).toContain(other.email);
    expect((await browser.submit(asked, {})).html).toContain('This request has ended');
    const back = await browser.submit(taken, {});
    const { body } = await redeem(agent, back.location);
    expect(body['task']).toMatchObject({ root: expect.any(String) });
    const granted = (await app.events('consent_granted')).filter(
      ({ clientId }) => clientId === agent.clientId,
    );
    expect(granted.map(({ userId }) => userId)).toEqual([other.userId]);
  });
});

describe('more sign-ins than the server can check', () => {
  test('are asked to come back, with a page', async () => {
    const { browser, page } = await atSignIn();
    const { passwords } = app.context;
    const full = () => Promise.reject(new QueueFullError());
    Object.assign(app.context, { passwords: { ...passwords, verify: full } });
    const answer = await browser.submit(page, { email: user.email, password: PASSWORD });
    Object.assign(app.context, { passwords });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(answer.html).toContain('<h1>The server is busy</h1>');
    expect((await browser.submit(page, { email: user.email, password: PASSWORD })).status).toBe(200);
  });
});
