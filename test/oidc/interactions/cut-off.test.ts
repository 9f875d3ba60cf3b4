import { describe, expect, test } from '@jest/globals';
import { changeUserState } from '../../../src/app/users/change-user-state.ts';
import { CALLER } from '../../support/app-context.ts';
import { authorizePath } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, atConsent, patchAgent, patchUser } = interactionsScene();

describe('who was cut off meanwhile', () => {
  test('a suspended agent gets unauthorized_client, without the person being asked (R11)', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    await patchAgent(agent, { state: 'suspended', epoch: 1 });
    const back = await browser.submit(page, {});
    expect(back.location?.searchParams.get('error')).toBe('unauthorized_client');
    expect(back.location?.searchParams.get('error_description')).toMatch(/^agent_not_active: /);
    const denied = await app.events('authorization_denied');
    expect(denied.filter(({ clientId }) => clientId === agent.clientId)).toMatchObject([
      { userId: user.userId, reason: expect.stringMatching(/^agent_not_active: /) },
    ]);
  });

  test('a disabled person cannot allow anything any more', async () => {
    const agent = await app.agent();
    const person = await app.person();
    const { browser, page } = await atConsent(agent, person);
    // The state is looked at besides the epoch, which ends the session.
    await patchUser(person, { state: 'disabled' });
    const back = await browser.submit(page, {});
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
    const [other, later] = [await app.person(), await app.agent()];
    const shown = await atConsent(later, other);
    await changeUserState(app.context, {
      caller: CALLER,
      userId: other.userId,
      to: 'disabled',
      reason: null,
    });
    const answer = await shown.browser.submit(shown.page, {});
    expect(answer.status).toBe(400);
    expect(answer.html).toContain('This request has ended');
  });

  test('a disabled person’s browser session opens nothing', async () => {
    const agent = await app.agent();
    const person = await app.person();
    const { browser } = await atConsent(agent, person);
    await patchUser(person, { state: 'disabled', epoch: 1 });
    const page = await browser.open(authorizePath(agent));
    expect(page.html).toContain('<h1>Sign in</h1>');
  });
});
