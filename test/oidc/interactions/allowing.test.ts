import { describe, expect, test } from '@jest/globals';
import { DEFAULT_AUDIENCE } from '../../support/app-context.ts';
import { authorizePath } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, atConsent, redeem } = interactionsScene();

const NAVIGATION = { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'same-origin' };

describe('allowing', () => {
  test('gives the client a code for exactly that', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, { ...user, over: { task_id: 'allowed-1' } });
    const back = await browser.submit(page, {});
    expect(back.status).toBe(303);
    expect(back.location?.searchParams.get('state')).toBe('state-of-the-client');
    expect(back.location?.searchParams.get('iss')).toBe(app.issuer);
    const { status, body } = await redeem(agent, back.location);
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
    const { browser, page } = await atConsent(agent, user);
    const back = await browser.submit(page, { scope: 'reports:read' });
    expect((await redeem(agent, back.location)).body.scope).toBe('reports:read');
  });

  test('nothing at all is a refusal (R10)', async () => {
    const { browser, page } = await atConsent(await app.agent(), user);
    const back = await browser.submit(page, { scope: undefined });
    expect(back.location?.searchParams.get('error')).toBe('access_denied');
    expect(back.location?.searchParams.get('error_description')).toBe('nothing was granted');
  });

  test('is asked again for every authorization, and each has a task of its own', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
    const first = await redeem(agent, (await browser.submit(page, {})).location);
    const again = await browser.open(authorizePath(agent));
    expect(again.html).toContain('Allow this application');
    const second = await redeem(agent, (await browser.submit(again, {})).location);
    expect(second.body.task_id).not.toBe(first.body.task_id);
  });

  test('hands a browser over by a page, because form-action holds for every redirect after a form', async () => {
    const { browser, page } = await atConsent(await app.agent(), user);
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
      const { browser, page } = await atConsent(await app.agent(), { ...user, over });
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
    const { browser, page } = await atConsent(await app.agent(), { ...user, over });
    expect((await browser.submit(page, {})).location?.protocol).toBe('cursor:');
    // Nor is there anything to leave behind where no page was shown.
    const refused = authorizePath(await app.agent(), { ...over, scope: 'unknown' });
    expect((await browser.send(refused, { headers: NAVIGATION })).location?.protocol).toBe('cursor:');
  });

  test('takes a button: Enter in a box answers nothing', async () => {
    const { page } = await atConsent(await app.agent(), user);
    // HTML §4.10.21.2: Enter presses the first button. §4.10.21.3: this one does nothing outside of a dialog.
    const [first] = /<button\b[^>]*>/.exec(page.html) ?? [];
    expect(first).toBe('<button type="submit" formmethod="dialog" hidden>');
  });

  test('declining tells the client, and is recorded', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
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
