import { describe, expect, test } from '@jest/globals';
import type { PageAnswer, PageClient } from '../../browser/page-client.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { beforeSessionIsSaved } from './before-saving.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();

const LOGOUT = '/api/oauth/logout';
const HTML = { accept: 'text/html' };

/** The form that signs out, in a browser that is signed in. */
async function atSignOut(browser: PageClient, query = '') {
  const page = await browser.open(`${LOGOUT}${query}`);
  return { page, ...browser.prepare(page, { logout: 'yes' }) };
}

const isSignedIn = async (browser: PageClient) => {
  const page = await browser.open(authorizePath(await app.agent()));
  return page.html.includes('Allow this application');
};

describe('signing out in the browser', () => {
  test('ends the session and says so', async () => {
    const { browser } = await atConsent(await app.agent(), user);
    const { page } = await atSignOut(browser);
    expect(page.html).toMatch(
      /<button class="primary" type="submit" form="op.logoutForm" name="logout" value="yes">/,
    );
    expect(page.html).toMatch(/<button type="submit" form="op.logoutForm">Stay signed in/);
    const done = await browser.submit(page, { logout: 'yes' });
    expect(done.html).toContain('<h1>You are signed out</h1>');
    expect(await isSignedIn(browser)).toBe(false);
  });

  test('says that it is done also when the form is sent again', async () => {
    const { browser } = await atConsent(await app.agent(), user);
    const { page } = await atSignOut(browser);
    await browser.submit(page, { logout: 'yes' });
    const again = await browser.submit(page, { logout: 'yes' }, { headers: HTML });
    expect(again.status).toBe(400);
    expect(again.html).toContain('<h1>You are signed out</h1>');
  });

  test('is asked about again when another window has got a newer form', async () => {
    const { browser } = await atConsent(await app.agent(), user);
    const { page } = await atSignOut(browser);
    const newer = await atSignOut(browser);
    const refused = await browser.submit(page, { logout: 'yes' }, { headers: HTML });
    expect(refused.status).toBe(400);
    expect(refused.html).toContain('<h1>You are still signed in</h1>');
    expect(refused.html).toContain(`<a href="${LOGOUT}">Sign out</a>`);
    expect((await browser.submit(newer.page, { logout: 'yes' })).html).toContain('You are signed out');
  });

  test('holds, and says so, though the browser comes back from a consent at that moment', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    const { url, sending } = await atSignOut(browser);
    const allowing = browser.prepare(page, {});
    const { location } = await browser.send(allowing.url, allowing.sending);
    let signedOut: URL | undefined;
    beforeSessionIsSaved(app, async () => {
      signedOut = (await browser.send(url, sending)).location;
    });
    const back = await browser.send(location ?? '');
    expect((await redeem(agent, back.location)).status).toBe(200);
    expect((await browser.open(signedOut ?? '')).html).toContain('<h1>You are signed out</h1>');
    expect(await isSignedIn(browser)).toBe(false);
  });

  test('holds for a browser that has copied the session', async () => {
    const { browser } = await atConsent(await app.agent(), user);
    const { url, sending } = await atSignOut(browser);
    const [copy, copied] = [newBrowser(), { cookie: cookiesOf(browser) }];
    expect(await errorOf(copy.send(await silently(), { headers: copied }))).toBe('interaction_required');
    await browser.send(url, sending);
    expect(await errorOf(copy.send(await silently(), { headers: copied }))).toBe('login_required');
  });
});

const silently = async () => authorizePath(await app.agent(), { prompt: 'none' });
const errorOf = async (answer: Promise<PageAnswer>) => (await answer).location?.searchParams.get('error');

function cookiesOf(browser: PageClient): string {
  const session = browser.cookies().filter(({ name }) => name.startsWith('_taskgrant_session'));
  return session.map(({ name, value }) => `${name}=${value}`).join('; ');
}

describe('the session of a browser', () => {
  test('is the same before and after a consent: other tabs are on their way with it', async () => {
    const { browser, page } = await atConsent(await app.agent(), user);
    const before = cookiesOf(browser);
    await browser.submit(page, {});
    expect(cookiesOf(browser)).toBe(before);
  });

  test('is another one after each sign-in, and the one from before is worth nothing', async () => {
    const agent = await app.agent();
    const { browser } = await atConsent(agent, user);
    const before = cookiesOf(browser);
    const again = await browser.open(authorizePath(agent, { prompt: 'login' }));
    app.clock.advance(1);
    await browser.submit(again, { email: user.email, password: PASSWORD });
    expect(cookiesOf(browser)).not.toBe(before);
    expect(await errorOf(browser.send(await silently(), { headers: { cookie: before } }))).toBe(
      'login_required',
    );
  });

  test('is left alone by a request of another tab that comes with an ended one', async () => {
    const agent = await app.agent();
    const { browser } = await atConsent(agent, user);
    const before = cookiesOf(browser);
    const again = await browser.open(authorizePath(agent, { prompt: 'login' }));
    app.clock.advance(1);
    await browser.submit(again, { email: user.email, password: PASSWORD });
    await browser.send(authorizePath(agent), { headers: { cookie: before } });
    expect(await isSignedIn(browser)).toBe(true);
  });
});
