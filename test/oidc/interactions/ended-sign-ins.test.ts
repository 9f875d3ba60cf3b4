import { describe, expect, jest, test } from '@jest/globals';
import { type AgentTarget, changeAgentState } from '../../../src/app/agents/change-agent-state.ts';
import { changeUserState, type UserTarget } from '../../../src/app/users/change-user-state.ts';
import { listConsents } from '../../../src/app/users/consents.ts';
import { updateUser } from '../../../src/app/users/update-user.ts';
import { CALLER } from '../../support/app-context.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { beforeSessionIsSaved } from './before-saving.ts';
import { interactionsScene } from './scene.ts';

const { app, atSignIn, redeem } = interactionsScene();

const becomes = (userId: string, to: UserTarget) =>
  changeUserState(app.context, { caller: CALLER, userId, to, reason: null });

test('a sign-in is over once its session is ended, also for a request that began before', async () => {
  const user = await app.person();
  const { agent, browser, page } = await atSignIn();
  await browser.submit(page, { email: user.email, password: PASSWORD });
  beforeSessionIsSaved(app, (id) => app.store.artifacts.destroy('Session', id));
  await browser.send(authorizePath(agent));
  expect((await browser.open(authorizePath(agent))).html).toContain('<h1>Sign in</h1>');
});

/** What the records say that the person has approved. */
async function approvalsOf(userId: string) {
  const { items } = await listConsents(app.context, { userId, page: { limit: 10 } });
  const events = await app.events('consent_granted');
  return [...items, ...events.filter((event) => event.userId === userId)];
}

describe.each<[string, (userId: string) => Promise<unknown>]>([
  ['was signed out everywhere', (userId) => becomes(userId, 'signed_out')],
  [
    'was disabled, and enabled again',
    async (userId) => {
      await becomes(userId, 'disabled');
      await becomes(userId, 'active');
    },
  ],
  [
    'got a new password',
    (userId) =>
      updateUser(app.context, {
        caller: CALLER,
        userId,
        edits: { password: 'another password, just as long' },
      }),
  ],
])('a sign-in of somebody who %s', (_, cutOff) => {
  test('is worth nothing any more in a browser that has not gone on yet', async () => {
    const person = await app.person();
    const { browser, page } = await atSignIn();
    const { url, sending } = browser.prepare(page, { email: person.email, password: PASSWORD });
    const { status, location } = await browser.send(url, sending);
    expect(status).toBe(303);
    await cutOff(person.userId);
    expect((await browser.open(location ?? '')).html).toContain('<h1>Sign in</h1>');
  });

  test.each(['read', 'stored'] as const)('approves nothing if that comes while it is %s', async (what) => {
    const person = await app.person();
    const { browser, page } = await atSignIn();
    const consent = await browser.submit(page, { email: person.email, password: PASSWORD });
    const { store } = app.context;
    const [reading, committing] = [store.agents.byId, store.commit];
    const cuttingOff = async () => {
      jest.restoreAllMocks();
      await cutOff(person.userId);
    };
    if (what === 'read')
      jest.spyOn(store.agents, 'byId').mockImplementation(async (clientId) => {
        await cuttingOff();
        return reading(clientId);
      });
    else
      jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
        if (unit.events.some(({ type }) => type === 'consent_granted')) await cuttingOff();
        return committing(unit);
      });
    const { url, sending } = browser.prepare(consent, {});
    await browser.send(url, sending);
    expect(await approvalsOf(person.userId)).toEqual([]);
  });

  test('is not kept by a request that began before', async () => {
    const person = await app.person();
    const { agent, browser, page } = await atSignIn();
    await browser.submit(page, { email: person.email, password: PASSWORD });
    beforeSessionIsSaved(app, () => cutOff(person.userId));
    await browser.send(authorizePath(agent));
    expect((await browser.open(authorizePath(agent))).html).toContain('<h1>Sign in</h1>');
  });

  test('is not kept by a browser that comes back from its consent, and brings the client nothing', async () => {
    const person = await app.person();
    const { agent, browser, page } = await atSignIn();
    const consent = await browser.submit(page, { email: person.email, password: PASSWORD });
    const { url, sending } = browser.prepare(consent, {});
    const { location } = await browser.send(url, sending);
    beforeSessionIsSaved(app, () => cutOff(person.userId));
    const back = await browser.send(location ?? '');
    expect((await redeem(agent, back.location)).status).toBe(400);
    expect((await browser.open(authorizePath(agent))).html).toContain('<h1>Sign in</h1>');
  });
});

describe.each<AgentTarget>(['suspended', 'deleted'])(
  'an agent that is %s while a person approves it',
  (to) => {
    test('gets nothing, and is told so: the approval is neither recorded nor listed', async () => {
      const person = await app.person();
      const { agent, browser, page } = await atSignIn();
      const consent = await browser.submit(page, { email: person.email, password: PASSWORD });
      const { store } = app.context;
      const committing = store.commit;
      jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
        if (unit.events.some(({ type }) => type === 'consent_granted')) {
          jest.restoreAllMocks();
          await changeAgentState(app.context, { caller: CALLER, clientId: agent.clientId, to, reason: null });
        }
        return committing(unit);
      });
      const back = await browser.submit(consent, {});
      // Nobody is sent on to a client that is gone.
      const told = Object.fromEntries(back.location?.searchParams ?? []);
      expect(told).toMatchObject(
        to === 'deleted'
          ? {}
          : {
              error: 'unauthorized_client',
              error_description: expect.stringMatching(/^agent_not_active: /),
            },
      );
      expect(await approvalsOf(person.userId)).toEqual([]);
      const denied = (await app.events('authorization_denied')).filter(
        ({ userId }) => userId === person.userId,
      );
      expect(denied).toHaveLength(1);
    });
  },
);
