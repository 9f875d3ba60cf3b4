import { describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../../src/domain/agent.ts';
import type { PageAnswer, PageClient } from '../../browser/page-client.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();

/** Two clients that ask in two tabs, each in words of its own. */
async function twoTabs(): Promise<readonly { agent: Agent; path: string; taskId: string }[]> {
  return Promise.all(
    ['reports:read', 'reports:write'].map(async (scope) => {
      const agent = await app.agent();
      const taskId = `task-of-${agent.clientId}`;
      return { agent, taskId, path: authorizePath(agent, { scope, task_id: taskId, state: taskId }) };
    }),
  );
}

async function expectOwnAnswer(back: PageAnswer, { agent, taskId }: { agent: Agent; taskId: string }) {
  expect(back.location?.searchParams.get('state')).toBe(taskId);
  const { status, body } = await redeem(agent, back.location);
  expect({ status, task: body.task_id }).toEqual({ status: 200, task: taskId });
}

/** From now on so many requests look for their sessions, and for their approvals, together. */
function inStep(requests: number): void {
  const { artifacts } = app.store;
  const find = artifacts.find;
  const waiting = new Map<string, (() => void)[]>();
  jest.spyOn(artifacts, 'find').mockImplementation(async (model, id) => {
    if (model === 'Session' || model === 'Grant') {
      const others = waiting.get(model) ?? [];
      waiting.set(model, others);
      await new Promise<void>((resolve) => {
        others.push(resolve);
        if (others.length === requests) for (const goOn of others) goOn();
      });
    }
    return find(model, id);
  });
}

const signIn = (browser: PageClient, page: PageAnswer) =>
  browser.submit(page, { email: user.email, password: PASSWORD });

describe('two tabs of one browser', () => {
  test('that are opened at the same moment can both be gone on with', async () => {
    const tabs = await twoTabs();
    const browser = newBrowser();
    const pages = await Promise.all(tabs.map(({ path }) => browser.open(path)));
    for (const [i, tab] of tabs.entries()) {
      const asked = await signIn(browser, pages[i] as PageAnswer);
      expect(asked.html).toContain(tab.taskId);
      await expectOwnAnswer(await browser.submit(asked, {}), tab);
    }
  });

  test('each get what was asked in them, in whichever order they are answered', async () => {
    const [first, second] = await twoTabs();
    if (!first || !second) throw new Error('two');
    const { browser } = await atConsent(await app.agent(), user);
    const pages = await Promise.all([browser.open(first.path), browser.open(second.path)]);
    await expectOwnAnswer(await browser.submit(pages[1], {}), second);
    await expectOwnAnswer(await browser.submit(pages[0], {}), first);
  });

  test('can be answered at the same moment', async () => {
    const tabs = await twoTabs();
    const { browser } = await atConsent(await app.agent(), user);
    const pages = await Promise.all(tabs.map(({ path }) => browser.open(path)));
    const backs = await Promise.all(pages.map((page) => browser.submit(page, {})));
    for (const [i, tab] of tabs.entries()) await expectOwnAnswer(backs[i] as PageAnswer, tab);
    expect((await browser.open(authorizePath(await app.agent()))).html).toContain('Allow this application');
  });

  test('of one client get what was approved in them, though they come back at the same moment', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    await browser.submit(page, {});
    const scopes = ['reports:read', 'reports:write', 'reports:read reports:write'];
    const locations = await Promise.all(
      scopes.map(async (scope) => {
        const { url, sending } = browser.prepare(await browser.open(authorizePath(agent, { scope })), {});
        return (await browser.send(url, sending)).location;
      }),
    );
    inStep(locations.length);
    const backs = await Promise.all(locations.map((location) => browser.send(location ?? '')));
    jest.restoreAllMocks();
    const redeemed = await Promise.all(backs.map(({ location }) => redeem(agent, location)));
    expect(redeemed.map(({ body }) => body.scope)).toEqual(scopes);
  });

  test('are declined and allowed apart from each other', async () => {
    const [first, second] = await twoTabs();
    if (!first || !second) throw new Error('two');
    const { browser } = await atConsent(await app.agent(), user);
    const pages = await Promise.all([browser.open(first.path), browser.open(second.path)]);
    const action = `${pages[0].url.pathname}/abort`;
    const declined = await browser.submit(pages[0], {}, { action });
    expect(declined.location?.searchParams.get('error')).toBe('access_denied');
    await expectOwnAnswer(await browser.submit(pages[1], {}), second);
  });
});

test('two browsers of one person are asked and answer apart from each other', async () => {
  const tabs = await twoTabs();
  const browsers = tabs.map(() => newBrowser());
  const pages = await Promise.all(
    tabs.map(async ({ path }, i) => {
      const browser = browsers[i] as PageClient;
      return signIn(browser, await browser.open(path));
    }),
  );
  const backs = await Promise.all(browsers.map((browser, i) => browser.submit(pages[i] as PageAnswer, {})));
  for (const [i, tab] of tabs.entries()) await expectOwnAnswer(backs[i] as PageAnswer, tab);
});
