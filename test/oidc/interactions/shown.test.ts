import { describe, expect, test } from '@jest/globals';
import { DEFAULT_AUDIENCE } from '../../support/app-context.ts';
import { interactionsScene } from './scene.ts';

const { app, user, atConsent } = interactionsScene();

describe('what a person is shown', () => {
  test('is who asks, where it goes, and every scope in words (S10)', async () => {
    const agent = await app.agent({ name: 'Report <b>agent</b>' });
    const { page } = await atConsent(agent, user);
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
    const { page } = await atConsent(await app.agent(), {
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
    const { page } = await atConsent(agent, {
      ...user,
      over: { delegates: delegate.clientId, required_tools: 'mail' },
    });
    expect(page.html).toMatch(/Who may get parts of it<\/dt>\s*<dd><ul><li><strong>“<bdi>Mailer<\/bdi>”/);
    expect(page.html).toMatch(/<dt>Tools it may use<\/dt><dd><ul><li><code>mail<\/code><\/li><\/ul>/);
  });

  test('is whether anybody answers for the application', async () => {
    const stray = await atConsent(await app.agent(), user);
    expect(stray.page.html).toContain('Unverified application');
    const owned = await atConsent(await app.agent({ owner: user.userId }), user);
    expect(owned.page.html).not.toContain('Unverified application');
  });

  test.each([
    ['http://127.0.0.1:50000/callback', 'an application on this device (127.0.0.1)'],
    ['cursor://anysphere/callback', 'an application on this device (cursor:)'],
  ])('names %s as an application on the device', async (redirectUri, words) => {
    const { page } = await atConsent(await app.agent(), {
      ...user,
      over: { redirect_uri: redirectUri },
    });
    expect(page.html).toContain(words);
  });

  test('is recorded once, however often it is looked at', async () => {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, user);
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
