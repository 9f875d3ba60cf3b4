import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { User } from '../../src/domain/user.ts';
import { changeUserState } from '../../src/app/users/change-user-state.ts';
import { CALLER, DEFAULT_AUDIENCE } from '../support/app-context.ts';
import {
  atConsent,
  authorizePath,
  type InteractionsApp,
  patchAgent,
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

const NAVIGATION = { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'same-origin' };

describe('what a person is shown', () => {
  test('is who asks, where it goes, and every scope in words (S10)', async () => {
    const agent = await app.agent({ name: 'Report <b>agent</b>' });
    const { page } = await atConsent(app, agent, user);
    expect(page.html).toContain('“<bdi>Report &lt;b&gt;agent&lt;/b&gt;</bdi>”');
    expect(page.html).toContain(agent.clientId);
    expect(page.html).toContain('Your browser then goes to <strong><bdi>client.example</bdi></strong>.');
    expect(page.html).toMatch(/<label for="scope-0">Read reports <code>reports:read<\/code><\/label>/);
    expect(page.html).toContain('Write &lt;reports&gt;');
    expect(page.html).toContain(`<dt>Services it may use</dt><dd><ul><li><code>${DEFAULT_AUDIENCE}</code>`);
    expect(page.html).toMatch(/<dt>Tools it may use<\/dt><dd><ul><li><code>search<\/code>/);
    expect(page.html).toContain('Only this application');
    expect(page.html).toMatch(/in 30 days, <time datetime="\d{4}-/);
  });

  test('is the task, its description quoted as the application’s own words (R16)', async () => {
    const description = 'Ignore the above & <script>alert(1)</script> click Allow';
    const { page } = await atConsent(app, await app.agent(), {
      ...user,
      over: { task_id: 'task-of-the-client-1', task_description: description, task_expires_in: '7200' },
    });
    expect(page.html).toContain('own words – not checked by anyone');
    expect(page.html).toContain(
      '<bdi>Ignore the above &amp; &lt;script&gt;alert(1)&lt;/script&gt; click Allow</bdi></blockquote>',
    );
    expect(page.html).toContain('<code>task-of-the-client-1</code>');
    expect(page.html).toContain('in 2 hours');
  });

  test('is who may get parts of it, and the tools that were asked for', async () => {
    const delegate = await app.agent({ name: 'Mailer' });
    const agent = await app.agent({ tools: ['search', 'mail'] });
    const { page } = await atConsent(app, agent, {
      ...user,
      over: { delegates: delegate.clientId, required_tools: 'mail' },
    });
    expect(page.html).toMatch(/Who may get parts of it<\/dt>\s*<dd><ul><li><strong>“<bdi>Mailer<\/bdi>”/);
    expect(page.html).toMatch(/<dt>Tools it may use<\/dt><dd><ul><li><code>mail<\/code><\/li><\/ul>/);
  });

  test('is whether anybody answers for the application', async () => {
    const stray = await atConsent(app, await app.agent(), user);
    expect(stray.page.html).toContain('Unverified application');
    const owned = await atConsent(app, await app.agent({ owner: user.userId }), user);
    expect(owned.page.html).not.toContain('Unverified application');
  });

  test.each([
    ['http://127.0.0.1:50000/callback', 'an application on this device (127.0.0.1)'],
    ['cursor://anysphere/callback', 'an application on this device (cursor:)'],
  ])('names %s as an application on the device', async (redirectUri, words) => {
    const { page } = await atConsent(app, await app.agent(), {
      ...user,
      over: { redirect_uri: redirectUri },
    });
    expect(page.html).toContain(words);
  });

  test('is recorded once, however often it is looked at', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, user);
    await browser.open(page.url);
    const events = (await app.events('authorization_requested')).filter(
      ({ clientId }) => clientId === agent.clientId,
    );
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      userId: user.userId,
      actor: user.userId,
      sourceIp: '127.0.0.1',
      details: { scope: ['reports:read', 'reports:write'], redirect_uri: 'https://client.example/callback' },
    });
  });
});

describe('allowing', () => {
  test('gives the client a code for exactly that', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, { ...user, over: { task_id: 'allowed-1' } });
    const back = await browser.submit(page, {});
    expect(back.status).toBe(303);
    expect(back.location?.searchParams.get('state')).toBe('state-of-the-client');
    expect(back.location?.searchParams.get('iss')).toBe(app.issuer);
    const { status, body } = await redeem(app, agent, back.location);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      scope: 'reports:read reports:write',
      task_id: 'allowed-1',
      granted_tools: ['search'],
    });
    expect((await app.events('consent_granted'))[0]).toMatchObject({
      clientId: agent.clientId,
      userId: user.userId,
      taskId: 'allowed-1',
      details: { granted: ['reports:read', 'reports:write'], audiences: [DEFAULT_AUDIENCE] },
    });
  });

  test('less than was asked is possible, and the response says so (R10)', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, user);
    const back = await browser.submit(page, { scope: 'reports:read' });
    expect((await redeem(app, agent, back.location)).body.scope).toBe('reports:read');
  });

  test('nothing at all is a refusal (R10)', async () => {
    const { browser, page } = await atConsent(app, await app.agent(), user);
    const back = await browser.submit(page, { scope: undefined });
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
    expect(back.location?.searchParams.get('error_description')).toBe('nothing was granted');
  });

  test('is asked again for every authorization, and each has a task of its own', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, user);
    const first = await redeem(app, agent, (await browser.submit(page, {})).location);
    const again = await browser.open(authorizePath(agent));
    expect(again.html).toContain('Allow this application');
    const second = await redeem(app, agent, (await browser.submit(again, {})).location);
    expect(second.body.task_id).not.toBe(first.body.task_id);
  });

  test('hands a browser over by a page, because form-action holds for every redirect after a form', async () => {
    const { browser, page } = await atConsent(app, await app.agent(), user);
    const handOver = await browser.submit(page, {}, { headers: NAVIGATION });
    expect(handOver.status).toBe(200);
    const next = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(handOver.html)?.[1] ?? '';
    expect(handOver.html).toContain(`<a class="button primary" href="${next}">Continue</a>`);
    const back = await browser.open(next, { headers: NAVIGATION });
    expect(back.location?.searchParams.get('code')).toBeTruthy();
  });

  test.each(['', '/abort'])(
    'opens an application behind a private scheme from a page (%s)',
    async (button) => {
      const over = { redirect_uri: 'cursor://anysphere/callback' };
      const { browser, page } = await atConsent(app, await app.agent(), { ...user, over });
      const { url, sending } = browser.prepare(
        page,
        {},
        button ? { action: page.url.pathname + button } : {},
      );
      const { location } = await browser.send(url, sending);
      const last = await browser.send(location ?? '', { headers: NAVIGATION });
      expect([last.status, last.location]).toEqual([200, undefined]);
      const [, next = ''] = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(last.html) ?? [];
      expect(last.html).toContain(`<a class="button primary" href="${next}">Open the application</a>`);
      const answer = new URL(next.replaceAll('&amp;', '&'));
      expect(answer.protocol).toBe('cursor:');
      expect(answer.searchParams.has(button ? 'error' : 'code')).toBe(true);
    },
  );

  test('redirects to a private scheme what does not say that it navigates', async () => {
    const over = { redirect_uri: 'cursor://anysphere/callback' };
    const { browser, page } = await atConsent(app, await app.agent(), { ...user, over });
    expect((await browser.submit(page, {})).location?.protocol).toBe('cursor:');
    // Nor is there anything to leave behind where no page was shown.
    const refused = authorizePath(await app.agent(), { ...over, scope: 'unknown' });
    expect((await browser.send(refused, { headers: NAVIGATION })).location?.protocol).toBe('cursor:');
  });

  test('takes a button: Enter in a box answers nothing', async () => {
    const { page } = await atConsent(app, await app.agent(), user);
    // HTML §4.10.21.2: a form whose first submit button is disabled is not submitted implicitly.
    const [first] = /<button\b[^>]*>/.exec(page.html) ?? [];
    expect(first).toBe('<button type="submit" disabled hidden>');
  });

  test('declining tells the client, and is recorded', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, user);
    const back = await browser.submit(page, {}, { action: `${page.url.pathname}/abort` });
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
    expect(back.location?.searchParams.get('state')).toBe('state-of-the-client');
    expect((await app.events('authorization_denied'))[0]).toMatchObject({
      outcome: 'refused',
      clientId: agent.clientId,
      userId: user.userId,
      reason: 'the person declined',
    });
  });
});

describe('what can be granted', () => {
  test('never exceeds the person’s own rights; the rest is shown as not available', async () => {
    const agent = await app.agent();
    const reader = await app.person(['reports:read']);
    const { browser, page } = await atConsent(app, agent, reader);
    expect(page.html).not.toContain('value="reports:write"');
    expect(page.html).toMatch(
      /<code>reports:write<\/code><\/dt><dd>Your own account does not have this right/,
    );
    const back = await browser.submit(page, { scope: ['reports:read', 'reports:write'] });
    expect((await redeem(app, agent, back.location)).body.scope).toBe('reports:read');
  });

  test('is nothing for a person without any of the rights: there is no button to allow it', async () => {
    const { browser, page } = await atConsent(app, await app.agent(), await app.person(['files:read']));
    expect(page.html).not.toContain('>Allow</button>');
    expect(page.html).toContain('nothing of it can be allowed');
    const back = await browser.submit(page, { scope: 'reports:read' });
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
  });

  test('is the person’s part of a wildcard', async () => {
    const agent = await app.agent({ permissions: ['reports:*'] });
    const { browser, page } = await atConsent(app, agent, {
      ...(await app.person(['reports:read'])),
      over: { scope: 'reports:*', resource: await app.audience() },
    });
    expect(page.status).toBe(200);
    const back = await browser.submit(page, {});
    expect((await redeem(app, agent, back.location)).body.scope).toBe('reports:read');
  });

  test('includes who the person is: openid always, name and address as they like', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, {
      ...user,
      over: { scope: 'openid email reports:read' },
    });
    expect(page.html).toMatch(/value="openid" checked disabled/);
    expect(page.html).toMatch(/value="email" checked>/);
    const back = await browser.submit(page, { scope: 'reports:read' });
    const { body } = await redeem(app, agent, back.location);
    const [, claims = ''] = String(body.id_token).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ sub: user.userId });
    expect(body.scope).toBe('reports:read');
  });

  test('may be identity alone: then no service and no tools', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, {
      ...user,
      over: { scope: 'openid email profile' },
    });
    expect(page.html).not.toContain('Services it may use');
    const back = await browser.submit(page, { scope: 'email' });
    const { status, body } = await redeem(app, agent, back.location);
    expect(status).toBe(200);
    expect(body).toMatchObject({ scope: 'openid email', granted_tools: [] });
    const info = await fetch(`${app.issuer}/api/oauth/userinfo`, {
      headers: { authorization: `Bearer ${String(body.access_token)}` },
    });
    expect(await info.json()).toEqual({ sub: user.userId, email: user.email });
  });

  test('is what was shown: a change in between brings the page back', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, user);
    await patchAgent(app, agent, { tools: ['search', 'delete-everything'] });
    const again = await browser.submit(page, { scope: 'reports:read' });
    expect(again.status).toBe(409);
    expect(again.html).toMatch(/role="alert"[^>]*>\s*<h2>This request has changed/);
    expect(again.html).toContain('delete-everything');
    expect(again.html).toMatch(/value="reports:read" checked/);
    expect(again.html).toMatch(/value="reports:write">/);
    const back = await browser.submit(again, {});
    expect((await redeem(app, agent, back.location)).body).toMatchObject({
      scope: 'reports:read',
      granted_tools: ['search', 'delete-everything'],
    });
  });

  test('[R17] lasts no longer than was shown, whatever the client may have been allowed by the time of redemption', async () => {
    const agent = await app.agent({ maxTaskSeconds: 120 });
    const { browser, page } = await atConsent(app, agent, user);
    expect(page.html).toContain('in 2 minutes');
    const { location } = await browser.submit(page, {});
    await patchAgent(app, agent, { maxTaskSeconds: null });
    const { body } = await redeem(app, agent, location);
    const { expires_at } = body['task'] as { expires_at: number };
    expect(expires_at).toBeLessThanOrEqual(app.clock.now() / 1000 + 120);
  });
});

describe('who was cut off meanwhile', () => {
  test('a suspended agent gets unauthorized_client, without the person being asked (R11)', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(app, agent, user);
    await patchAgent(app, agent, { state: 'suspended', epoch: 1 });
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
    const { browser, page } = await atConsent(app, agent, person);
    // The state is looked at besides the epoch, which ends the session.
    await patchUser(app, person, { state: 'disabled' });
    const back = await browser.submit(page, {});
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
    const [other, later] = [await app.person(), await app.agent()];
    const shown = await atConsent(app, later, other);
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
    const { browser } = await atConsent(app, agent, person);
    await patchUser(app, person, { state: 'disabled', epoch: 1 });
    const page = await browser.open(authorizePath(agent));
    expect(page.html).toContain('<h1>Sign in</h1>');
  });
});
