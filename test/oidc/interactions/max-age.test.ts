import { afterEach, expect, jest, test } from '@jest/globals';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();
afterEach(() => {
  jest.restoreAllMocks();
});

/** The person was signed in, and thinks about the consent for longer than the client lets a sign-in be old. */
async function atSecondSignIn() {
  const agent = await app.agent();
  const { browser } = await atConsent(await app.agent(), user);
  const path = authorizePath(agent, { scope: 'openid reports:read', max_age: '60' });
  const consent = await browser.open(path);
  expect(consent.html).toContain('Allow this application');
  const [start, now] = [Date.now(), Date.now.bind(Date)];
  jest.spyOn(Date, 'now').mockImplementation(() => now() + 120_000);
  expect(Date.now()).toBeGreaterThan(start);
  return { agent, browser, page: await browser.submit(consent, {}) };
}

test('a sign-in that has become too old while the person thought is asked for again, the consent is not', async () => {
  const { agent, browser, page } = await atSecondSignIn();
  expect(page.html).toContain('<h1>Sign in</h1>');
  const back = await browser.submit(page, { email: user.email, password: PASSWORD });
  expect((await redeem(agent, back.location)).status).toBe(200);
});

test('somebody else who signs in then is asked for a consent of their own', async () => {
  const { agent, browser, page } = await atSecondSignIn();
  const other = await app.person();
  const asked = await browser.submit(page, { email: other.email, password: PASSWORD });
  expect(asked.html).toContain('Allow this application');
  expect(asked.html).toContain(other.email);
  const back = await browser.submit(asked, {});
  expect((await redeem(agent, back.location)).status).toBe(200);
  const granted = (await app.events('task_opened')).filter(({ clientId }) => clientId === agent.clientId);
  expect(granted.map(({ userId }) => userId)).toEqual([other.userId]);
});

test('of two tabs the one in which somebody signed in first does not make their sign-in older again', async () => {
  const agent = await app.agent();
  const browser = newBrowser();
  const credentials = { email: user.email, password: PASSWORD };
  const [first, second] = [
    await browser.open(authorizePath(agent)),
    await browser.open(authorizePath(agent)),
  ];
  const asked = await browser.submit(first, credentials);
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() + 120_000);
  await browser.submit(second, credentials);
  const session = () => browser.cookies().find(({ name }) => name === '_taskgrant_session')?.value;
  const before = session();
  const back = await browser.submit(asked, {});
  expect((await redeem(agent, back.location)).status).toBe(200);
  expect(session()).toBe(before);
  const fresh = await browser.open(authorizePath(agent, { scope: 'openid reports:read', max_age: '60' }));
  expect(fresh.html).toContain('Allow this application');
});
