import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../../src/domain/agent.ts';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import type { PageAnswer, PageClient } from '../../browser/page-client.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();
afterEach(() => {
  jest.restoreAllMocks();
});

/** Sends each once all of them have found what they come back to. */
async function atOnce(browser: PageClient, urls: readonly (URL | undefined)[]): Promise<PageAnswer[]> {
  const { artifacts } = app.store;
  const find = artifacts.find;
  let missing = urls.length;
  let open: () => void = () => undefined;
  const allFound = new Promise<void>((resolve) => {
    open = resolve;
  });
  jest.spyOn(artifacts, 'find').mockImplementation(async (model, id) => {
    const found = await find(model, id);
    if (model !== 'Interaction') return found;
    missing -= 1;
    if (missing === 0) open();
    await allFound;
    return found;
  });
  const answers = await Promise.all(urls.map((url) => browser.send(url ?? '')));
  jest.restoreAllMocks();
  return answers;
}

/** Where the browser is sent after signing in. */
async function signedIn(agent: Agent) {
  const browser = newBrowser();
  const page = await browser.open(authorizePath(agent));
  const { url, sending } = browser.prepare(page, { email: user.email, password: PASSWORD });
  return { browser, location: (await browser.send(url, sending)).location };
}

/** Where the browser is sent after allowing. */
async function allowed(agent: Agent, isPushed = false) {
  const over = isPushed ? await pushed(agent) : {};
  const { browser, page } = await atConsent(agent, { ...user, over });
  const { url, sending } = browser.prepare(page, {});
  return { browser, location: (await browser.send(url, sending)).location };
}

async function pushed(agent: Agent) {
  const body = new URLSearchParams(authorizePath(agent).split('?')[1]);
  const answer = await fetch(`${app.issuer}/api/oauth/par`, { method: 'POST', body });
  return { request_uri: ((await answer.json()) as { request_uri: string }).request_uri };
}

const eventsOf = async (agent: Agent, type: 'authorization_requested' | 'authorization_code_issued') =>
  (await app.events(type)).filter(({ clientId }) => clientId === agent.clientId);

const hasCode = ({ location }: PageAnswer) => location?.searchParams.has('code') ?? false;

function expectPlainWords({ status, html }: PageAnswer): void {
  expect(status).toBe(400);
  expect(html).toContain('<h1>This step is over</h1>');
  expect(html).toMatch(/another window asks for your consent, you can close this page/);
  expect(html).toMatch(/go back to the application and start again/);
}

describe('a browser that comes back twice from one sign-in', () => {
  test('is asked once, though both come at the same moment', async () => {
    const agent = await app.agent();
    const { browser, location } = await signedIn(agent);
    const answers = await atOnce(browser, [location, location]);
    const [onward, ...more] = answers.filter(({ status }) => status === 303);
    expect(more).toEqual([]);
    expectPlainWords(answers.find(({ status }) => status !== 303) as PageAnswer);
    const page = await browser.open(onward?.location ?? '');
    const back = await browser.submit(page, {});
    expect((await redeem(agent, back.location)).status).toBe(200);
    expect(await eventsOf(agent, 'authorization_requested')).toHaveLength(1);
    expect(await eventsOf(agent, 'authorization_code_issued')).toHaveLength(1);
  });

  test('goes on in the first window when the second one comes later', async () => {
    const agent = await app.agent();
    const { browser, location } = await signedIn(agent);
    const page = await browser.open(location ?? '');
    expectPlainWords(await browser.open(location ?? ''));
    const back = await browser.submit(page, {});
    expect((await redeem(agent, back.location)).status).toBe(200);
    expectPlainWords(await browser.open(location ?? ''));
  });
});

test('a browser that comes back from a sign-in while the database is away for a moment stays signed in', async () => {
  const agent = await app.agent();
  const { browser, location } = await signedIn(agent);
  const { artifacts } = app.store;
  const upsert = artifacts.upsert;
  const failing = jest.spyOn(artifacts, 'upsert').mockImplementation(async (artifact) => {
    if (artifact.model !== 'Interaction') return upsert(artifact);
    failing.mockRestore();
    throw new UnavailableError('database_unavailable', 'the database is away');
  });
  expect((await browser.send(location ?? '')).status).toBe(503);
  expect((await browser.open(authorizePath(agent))).html).toContain('Allow this application');
});

describe('a browser that comes back twice from one consent', () => {
  test('brings the client one code, though both come at the same moment', async () => {
    const agent = await app.agent();
    const { browser, location } = await allowed(agent);
    const answers = await atOnce(browser, [location, location, location]);
    const [first, ...more] = answers.filter(hasCode);
    expect(more).toEqual([]);
    for (const answer of answers) if (answer !== first) expectPlainWords(answer);
    expect((await redeem(agent, first?.location)).status).toBe(200);
    expect(await eventsOf(agent, 'authorization_code_issued')).toHaveLength(1);
  });

  test('is told so when the second one comes later', async () => {
    const agent = await app.agent();
    const { browser, location } = await allowed(agent);
    expect(hasCode(await browser.send(location ?? ''))).toBe(true);
    expectPlainWords(await browser.send(location ?? ''));
    expect(await eventsOf(agent, 'authorization_code_issued')).toHaveLength(1);
  });

  test.each([false, true])(
    'gets the code after all when it could not be stored the first time (pushed: %j)',
    async (isPushed) => {
      const agent = await app.agent();
      const { browser, location } = await allowed(agent, isPushed);
      const { store } = app.context;
      const committing = store.commit;
      const failing = jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
        if (!unit.events.some(({ type }) => type === 'authorization_code_issued')) return committing(unit);
        failing.mockRestore();
        throw new UnavailableError('database_unavailable', 'the database is away');
      });
      expect((await browser.send(location ?? '')).status).toBe(503);
      const back = await browser.send(location ?? '');
      expect((await redeem(agent, back.location)).status).toBe(200);
    },
  );

  test('hears one refusal, when it was declined', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    const { url, sending } = browser.prepare(page, {}, { action: `${page.url.pathname}/abort` });
    const { location } = await browser.send(url, sending);
    const answers = await atOnce(browser, [location, location]);
    const refused = answers.filter(
      (answer) => answer.location?.searchParams.get('error') === 'access_denied',
    );
    expect(refused).toHaveLength(1);
    for (const answer of answers) if (!refused.includes(answer)) expectPlainWords(answer);
  });
});
