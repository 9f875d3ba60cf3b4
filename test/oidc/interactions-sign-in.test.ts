import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { QueueFullError } from '../../src/crypto/bounded-queue.ts';
import type { User } from '../../src/domain/user.ts';
import { taskHistory } from '../../src/app/tasks/task-history.ts';
import { updateUser } from '../../src/app/users/update-user.ts';
import { createPageClient, type PageClient } from '../browser/page-client.ts';
import { CALLER } from '../support/app-context.ts';
import {
  atConsent,
  authorizePath,
  type InteractionsApp,
  PASSWORD,
  patchUser,
  redeem,
  startInteractionsApp,
} from './interactions-app.ts';

let app: InteractionsApp;
let user: User;
beforeAll(async () => {
  app = await startInteractionsApp();
  user = await app.person();
});
afterAll(() => app.stop());

/** A browser at the sign-in page of a fresh request. */
async function atSignIn(over: Record<string, string> = {}) {
  const browser = createPageClient(app.issuer);
  const agent = await app.agent();
  return { agent, browser, page: await browser.open(authorizePath(agent, over)) };
}

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
    await patchUser(app, disabled, { state: 'disabled', epoch: 1 });
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
    const { browser, page } = await atConsent(app, agent, { ...user, over });
    const signedInAt = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(signedInAt + 300_000);
    const back = await browser.submit(page, {});
    const { body } = await redeem(app, agent, back.location);
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
    const browser = createPageClient(app.issuer);
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
      const copy = createPageClient(app.issuer);
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
    const browser = createPageClient(app.issuer);
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
    const { body } = await redeem(app, agent, back.location);
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

describe('guessing passwords', () => {
  const limits = { perEmail: 3, perSource: 8, windowSeconds: 900 };
  let throttled: InteractionsApp;
  beforeAll(async () => {
    throttled = await startInteractionsApp(limits);
  });
  afterAll(() => throttled.stop());

  let another: InteractionsApp | undefined;
  afterEach(async () => {
    await another?.stop();
    another = undefined;
  });
  /** One of its own, where the limit of a source is not what stops anybody. */
  async function fromManyNetworks(): Promise<InteractionsApp> {
    another = await startInteractionsApp({ ...limits, perSource: 100 });
    return another;
  }

  async function attempt(email: string, password: string) {
    const browser = createPageClient(throttled.issuer);
    const page = await browser.open(authorizePath(await throttled.agent()));
    return browser.submit(page, { email, password });
  }

  test('is not what somebody does whose password the server could not check', async () => {
    const person = await throttled.person();
    const { passwords } = throttled.context;
    const full = () => Promise.reject(new QueueFullError());
    Object.assign(throttled.context, { passwords: { ...passwords, verify: full } });
    for (let i = 0; i <= limits.perSource; i += 1) {
      expect((await attempt(person.email, PASSWORD)).status).toBe(503);
    }
    Object.assign(throttled.context, { passwords });
    expect((await attempt(person.email, PASSWORD)).status).toBe(200);
  });

  test('is stopped for one address, known or not, and then for one source', async () => {
    const known = await throttled.person();
    await attempt(known.email, 'wrong');
    expect((await attempt(known.email, PASSWORD)).status).toBe(200);
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await attempt(known.email, 'wrong')).status);
    expect(statuses).toEqual([422, 422, 422, 429]);

    const refused = await attempt(known.email, PASSWORD);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(refused.html).toMatch(/role="alert"[^>]*>\s*<h2>Too many attempts. Try again in 15 minutes./);
    expect((await throttled.events('user_sign_in_failed'))[0]).toMatchObject({ reason: 'rate_limited' });

    expect((await attempt('nobody@example.com', 'wrong')).status).toBe(422);
    expect((await attempt('nobody@example.com', 'wrong')).status).toBe(422);
    expect((await attempt('fresh@example.com', 'wrong')).status).toBe(429);
  });

  test('locks nobody out of a browser in which they have signed in before, and is no easier there', async () => {
    const app = await fromManyNetworks();
    const [owner, other] = [await app.person(), await app.person()];
    const agent = await app.agent();
    const tryIn = async (browser: PageClient, email: string, password: string) =>
      (
        await browser.submit(await browser.open(authorizePath(agent, { prompt: 'login' })), {
          email,
          password,
        })
      ).status;
    const [own, stranger] = [createPageClient(app.issuer), createPageClient(app.issuer)];
    expect(await tryIn(own, owner.email, PASSWORD)).toBe(200);
    expect(await tryIn(stranger, other.email, PASSWORD)).toBe(200);
    const guesses: number[] = [];
    for (let i = 0; i < 4; i += 1) guesses.push(await tryIn(stranger, owner.email, 'wrong'));
    expect(guesses).toEqual([422, 422, 422, 429]);
    expect(await tryIn(createPageClient(app.issuer), owner.email, PASSWORD)).toBe(429);
    expect(await tryIn(own, owner.email, PASSWORD)).toBe(200);
    const own429: number[] = [];
    for (let i = 0; i < 4; i += 1) own429.push(await tryIn(own, owner.email, 'wrong'));
    expect(own429).toEqual([422, 422, 422, 429]);
  });

  test('is no easier for whoever knew the password before: a new one makes every browser a stranger', async () => {
    const app = await fromManyNetworks();
    const [owner, agent] = [await app.person(), await app.agent()];
    const tryIn = async (browser: PageClient, password: string) =>
      (
        await browser.submit(await browser.open(authorizePath(agent, { prompt: 'login' })), {
          email: owner.email,
          password,
        })
      ).status;
    const browsers = [1, 2, 3, 4].map(() => createPageClient(app.issuer));
    for (const browser of browsers) expect(await tryIn(browser, PASSWORD)).toBe(200);
    const edits = { password: 'another password of some length' };
    await updateUser(app.context, { caller: CALLER, userId: owner.userId, edits });
    const guesses: number[] = [];
    for (const browser of browsers) guesses.push(await tryIn(browser, 'wrong'));
    expect(guesses).toEqual([422, 422, 422, 429]);
  });
});
