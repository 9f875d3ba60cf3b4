import { expect, jest, test } from '@jest/globals';
import type { PageClient } from '../../browser/page-client.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, newBrowser } = interactionsScene();

const LOGOUT = '/api/oauth/logout';

/** A person who has signed in, and the page that asks whether to sign out. */
async function atSignOut() {
  const [browser, agent, user] = [newBrowser(), await app.agent(), await app.person()];
  await browser.submit(await browser.open(authorizePath(agent)), { email: user.email, password: PASSWORD });
  // The engine opens the session when the browser comes back.
  await browser.open(authorizePath(agent));
  return { browser, agent, user, page: await browser.open(LOGOUT) };
}

const recordedOf = async (userId: string) =>
  (await app.events('user_signed_out')).filter((event) => event.userId === userId);

const isSignedIn = async (browser: PageClient, path: string) =>
  !(await browser.open(path)).html.includes('name="password"');

test('whoever signs out is signed out, and on record once', async () => {
  const { browser, agent, user, page } = await atSignOut();
  expect((await browser.submit(page, { logout: 'yes' })).html).toContain('signed out');
  expect(await isSignedIn(browser, authorizePath(agent))).toBe(false);
  expect(await recordedOf(user.userId)).toMatchObject([{ actor: user.userId, outcome: 'success' }]);
});

test.each(['by itself', 'at a client'])('whoever came %s and stays is not on record', async (how) => {
  const { browser, agent, user } = await atSignOut();
  const page = await browser.open(how === 'at a client' ? `${LOGOUT}?client_id=${agent.clientId}` : LOGOUT);
  await browser.submit(page, {});
  expect(await isSignedIn(browser, authorizePath(agent))).toBe(true);
  expect(await recordedOf(user.userId)).toEqual([]);
});

test('nobody is signed out unrecorded, and two pages sign out once', async () => {
  const { browser, agent, user, page } = await atSignOut();
  const { store } = app.context;
  jest.spyOn(store, 'commit').mockRejectedValueOnce(new Error('the process was killed here'));
  await browser.submit(page, { logout: 'yes' });
  jest.restoreAllMocks();
  expect(await isSignedIn(browser, authorizePath(agent))).toBe(true);
  expect(await recordedOf(user.userId)).toEqual([]);

  const again = await browser.open(LOGOUT);
  const { url, sending } = browser.prepare(again, { logout: 'yes' });
  const answers = await Promise.all([browser.send(url, sending), browser.send(url, sending)]);
  expect(answers.map(({ status }) => status)).toContain(303);
  expect(await recordedOf(user.userId)).toHaveLength(1);
});
