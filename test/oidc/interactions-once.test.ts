import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { listConsents } from '../../src/app/users/consents.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import type { User } from '../../src/domain/user.ts';
import { atConsent, type InteractionsApp, redeem, startInteractionsApp } from './interactions-app.ts';

let app: InteractionsApp;
let user: User;
beforeAll(async () => {
  app = await startInteractionsApp();
  user = await app.person();
});
afterAll(() => app.stop());

test('what could not be recorded is not shown, and is recorded when it is', async () => {
  const agent = await app.agent();
  const { store } = app.context;
  const committing = store.commit;
  const failing = jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
    if (!unit.events.some(({ type }) => type === 'authorization_requested')) return committing(unit);
    failing.mockRestore();
    throw new UnavailableError('database_unavailable', 'the database is away');
  });
  const { browser, page } = await atConsent(app, agent, user);
  expect(page.status).toBe(503);
  expect((await browser.open(page.url)).status).toBe(200);
  const events = (await app.events('authorization_requested')).filter(
    ({ clientId }) => clientId === agent.clientId,
  );
  expect(events).toHaveLength(1);
});

test('a form that is sent many times at once is one approval, and opens one task', async () => {
  const agent = await app.agent();
  const { browser, page } = await atConsent(app, agent, user);
  const { url, sending } = browser.prepare(page, {});
  const sent = await Promise.all(Array.from({ length: 8 }, () => browser.send(url, sending)));
  expect(sent.map(({ status }) => status)).toEqual(Array(8).fill(303));
  const other = browser.prepare(page, { scope: 'reports:read' });
  const late = await browser.send(other.url, other.sending);
  expect(late.status).toBe(400);
  expect(late.html).toContain('It was answered already');
  const back = await Promise.all(sent.map(({ location }) => browser.send(location ?? '')));
  const codes = back.flatMap(({ location }) => (location?.searchParams.has('code') ? [location] : []));
  expect(codes.length).toBeGreaterThan(0);
  const redeemed = await Promise.all(codes.map((location) => redeem(app, agent, location)));
  expect(redeemed.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const type of ['consent_granted', 'task_opened'] as const) {
    const events = (await app.events(type)).filter(({ clientId }) => clientId === agent.clientId);
    expect(events).toHaveLength(1);
  }
  const { items } = await listConsents(app.context, { userId: user.userId, page: { limit: 100 } });
  expect(items.filter(({ clientId }) => clientId === agent.clientId)).toHaveLength(1);
});
