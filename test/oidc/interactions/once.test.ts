import { describe, expect, jest, test } from '@jest/globals';
import { listConsents } from '../../../src/app/users/consents.ts';
import type { Agent } from '../../../src/domain/agent.ts';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser, atConsent, redeem } = interactionsScene();

test('what could not be recorded is not shown, and is recorded when it is', async () => {
  const agent = await app.agent();
  const { store } = app.context;
  const committing = store.commit;
  const failing = jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
    if (!unit.events.some(({ type }) => type === 'authorization_requested')) return committing(unit);
    failing.mockRestore();
    throw new UnavailableError('database_unavailable', 'the database is away');
  });
  const { browser, page } = await atConsent(agent, user);
  expect(page.status).toBe(503);
  expect((await browser.open(page.url)).status).toBe(200);
  const events = (await app.events('authorization_requested')).filter(
    ({ clientId }) => clientId === agent.clientId,
  );
  expect(events).toHaveLength(1);
});

test('a form that is sent many times at once is one approval, and opens one task', async () => {
  const agent = await app.agent();
  const { browser, page } = await atConsent(agent, user);
  const { url, sending } = browser.prepare(page, {});
  const sent = await Promise.all(Array.from({ length: 8 }, () => browser.send(url, sending)));
  expect(sent.map(({ status }) => status)).toEqual(Array(8).fill(303));
  const other = browser.prepare(page, { scope: 'reports:read' });
  const late = await browser.send(other.url, other.sending);
  expect(late.status).toBe(400);
  expect(late.html).toContain('It was answered already');
  const back = await Promise.all(sent.map(({ location }) => browser.send(location ?? '')));
  const codes = back.flatMap(({ location }) => (location?.searchParams.has('code') ? [location] : []));
  expect(codes).toHaveLength(1);
  const redeemed = await Promise.all(codes.map((location) => redeem(agent, location)));
  expect(redeemed.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const type of ['consent_granted', 'task_opened'] as const) {
    const events = (await app.events(type)).filter(({ clientId }) => clientId === agent.clientId);
    expect(events).toHaveLength(1);
  }
  const { items } = await listConsents(app.context, { userId: user.userId, page: { limit: 100 } });
  expect(items.filter(({ clientId }) => clientId === agent.clientId)).toHaveLength(1);
});

test('a sign-in that is sent again while the browser comes back from the first one begins nothing anew', async () => {
  const agent = await app.agent();
  const browser = newBrowser();
  const page = await browser.open(authorizePath(agent));
  const { url, sending } = browser.prepare(page, { email: user.email, password: PASSWORD });
  const { location } = await browser.send(url, sending);
  const { artifacts } = app.store;
  for (const way of ['upsert', 'update'] as const) {
    const save = artifacts[way];
    jest.spyOn(artifacts, way).mockImplementation(async (artifact) => {
      jest.restoreAllMocks();
      expect((await browser.open(location ?? '')).status).toBe(200);
      return save(artifact);
    });
  }
  const again = await browser.submit(page, { email: user.email, password: PASSWORD });
  expect(again.status).toBe(400);
  expect(again.html).toContain('<h1>This step is over');
  const asked = await app.events('authorization_requested');
  expect(asked.filter(({ clientId }) => clientId === agent.clientId)).toHaveLength(1);
});

test('an approval that could not be recorded leaves nothing, and can be sent again', async () => {
  const agent = await app.agent();
  const { browser, page } = await atConsent(agent, user);
  const { store } = app.context;
  const committing = store.commit;
  const failing = jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
    if (!unit.events.some(({ type }) => type === 'consent_granted')) return committing(unit);
    failing.mockRestore();
    throw new UnavailableError('database_unavailable', 'the database is away');
  });
  expect((await browser.submit(page, {})).status).toBe(503);
  expect(await consentsOf(agent)).toHaveLength(0);
  const back = await browser.submit(page, {});
  expect((await redeem(agent, back.location)).status).toBe(200);
  expect(await consentsOf(agent)).toHaveLength(1);
});

test('an approval keeps for as long as the browser may come back with it', async () => {
  const agent = await app.agent();
  const { browser, page } = await atConsent(agent, user);
  const { url, sending } = browser.prepare(page, {});
  const { location } = await browser.send(url, sending);
  const inNineMinutes = app.clock.now() + 540_000;
  const cutoffs = { now: inNineMinutes, tokens: 0, tasks: 0, audit: 0, webhooks: 0 };
  await app.store.cleanup.removeExpired('oidc_artifacts', cutoffs, { from: 0, most: 1000 });
  const back = await browser.send(location ?? '');
  expect((await redeem(agent, back.location)).status).toBe(200);
});

/** Two browsers that a client sent with the same pushed request, asked for consent. */
async function twoWithPushed(agent: Agent) {
  const body = new URLSearchParams(authorizePath(agent).split('?')[1]);
  const pushed = await fetch(`${app.issuer}/api/oauth/par`, { method: 'POST', body });
  const { request_uri } = (await pushed.json()) as { request_uri: string };
  const asked = () => atConsent(agent, { ...user, over: { request_uri } });
  return [await asked(), await asked()] as const;
}

test('a pushed request that two browsers were sent to is approved in one of them, and asked about in no more', async () => {
  const agent = await app.agent();
  const [first, second] = await twoWithPushed(agent);
  const back = await first.browser.submit(first.page, {});
  expect((await redeem(agent, back.location)).status).toBe(200);
  const late = await second.browser.submit(second.page, {});
  expect(late.status).toBe(400);
  expect(late.html).toContain('This request has ended');
  expect((await second.browser.open(second.page.url)).status).toBe(400);
  expect(await consentsOf(agent)).toHaveLength(1);
});

test('a pushed request that two browsers come back with at the same moment brings one code', async () => {
  const agent = await app.agent();
  const both = await twoWithPushed(agent);
  const sent = await Promise.all(
    both.map(({ browser, page }) => {
      const { url, sending } = browser.prepare(page, {});
      return browser.send(url, sending);
    }),
  );
  const back = await Promise.all(both.map(({ browser }, i) => browser.send(sent[i]?.location ?? '')));
  const codes = back.filter(({ location }) => location?.searchParams.has('code'));
  const errors = back.flatMap(({ location }) => location?.searchParams.get('error') ?? []);
  expect([codes.length, errors]).toEqual([1, ['invalid_request_uri']]);
  expect((await redeem(agent, codes[0]?.location)).status).toBe(200);
});

describe('a request that is allowed and declined', () => {
  test('stays allowed when that came first', async () => {
    const agent = await app.agent();
    const { browser, allowing, declining } = await answersOf(agent);
    const allowed = await browser.send(allowing.url, allowing.sending);
    const declined = await browser.send(declining.url, declining.sending);
    expect(declined.status).toBe(400);
    expect(declined.html).toContain('It was answered already');
    const back = await browser.send(allowed.location ?? '');
    expect((await redeem(agent, back.location)).status).toBe(200);
    expect(await denials(agent)).toHaveLength(0);
  });

  test('stays declined when that came first, however often it is sent', async () => {
    const agent = await app.agent();
    const { browser, allowing, declining } = await answersOf(agent);
    const declined = await browser.send(declining.url, declining.sending);
    expect((await browser.send(allowing.url, allowing.sending)).status).toBe(400);
    expect((await browser.send(declining.url, declining.sending)).status).toBe(303);
    const { location } = await browser.send(declined.location ?? '');
    expect(location?.searchParams.get('error')).toBe('access_denied');
    expect(await denials(agent)).toHaveLength(1);
    expect(await consentsOf(agent)).toHaveLength(0);
  });

  test('is one of the two when both come at once', async () => {
    const agent = await app.agent();
    const { browser, allowing, declining } = await answersOf(agent);
    const sent = await Promise.all(
      [allowing, declining, declining, allowing].map(({ url, sending }) => browser.send(url, sending)),
    );
    expect(sent.filter(({ status }) => status === 303)).toHaveLength(2);
    expect(sent.filter(({ status }) => status === 400)).toHaveLength(2);
    const [consents, declined] = [await consentsOf(agent), await denials(agent)];
    expect(consents.length + declined.length).toBe(1);
    const { location } = await browser.send(sent.find(({ status }) => status === 303)?.location ?? '');
    expect(location?.searchParams.has('code')).toBe(consents.length === 1);
  });
});

async function answersOf(agent: Agent) {
  const { browser, page } = await atConsent(agent, user);
  const action = /formaction="([^"]+\/abort)"/.exec(page.html)?.[1] ?? '';
  return {
    browser,
    allowing: browser.prepare(page, {}),
    declining: browser.prepare(page, {}, { action }),
  };
}

async function consentsOf(agent: Agent) {
  const { items } = await listConsents(app.context, { userId: user.userId, page: { limit: 100 } });
  return items.filter(({ clientId }) => clientId === agent.clientId);
}

async function denials(agent: Agent) {
  const events = await app.events('authorization_denied');
  return events.filter(({ clientId }) => clientId === agent.clientId);
}
