import { describe, expect, test } from '@jest/globals';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, atConsent, redeem } = interactionsScene();

describe('a client that names somebody by an ID token', () => {
  const over = { scope: 'openid reports:read' };

  /** A client with an ID token of the person. */
  async function withHint() {
    const agent = await app.agent();
    const { browser, page } = await atConsent(agent, { ...user, over });
    const back = await browser.submit(page, {});
    const hint = String((await redeem(agent, back.location)).body.id_token);
    return { agent, hinted: { ...over, id_token_hint: hint } };
  }

  test('gets the answer of that person', async () => {
    const { agent, hinted } = await withHint();
    const { browser, page } = await atConsent(agent, { ...user, over: hinted });
    const back = await browser.submit(page, {});
    expect((await redeem(agent, back.location)).status).toBe(200);
  });

  test.each([{}, { prompt: 'login' }])('gets none of another one who signs in (%j)', async (more) => {
    const { agent, hinted } = await withHint();
    const other = await app.person();
    const { page } = await atConsent(agent, { ...other, over: { ...hinted, ...more } });
    expect(page.location?.searchParams.get('error')).toBe('login_required');
    expect(page.location?.searchParams.get('iss')).toBe(app.issuer);
    const asked = await app.events('authorization_requested');
    expect(asked.filter(({ userId }) => userId === other.userId)).toEqual([]);
  });

  test('gets none of another one who is signed in already, or takes the browser over', async () => {
    const { agent, hinted } = await withHint();
    const other = await app.person();
    const { browser } = await atConsent(await app.agent(), other);
    const silent = await browser.open(authorizePath(agent, { ...hinted, prompt: 'none' }));
    expect(silent.location?.searchParams.get('error')).toBe('login_required');
    const own = await atConsent(agent, { ...user, over: hinted });
    const signIn = await own.browser.open(`${own.page.url.pathname}?account=other`);
    const taken = await own.browser.submit(signIn, { email: other.email, password: PASSWORD });
    expect(taken.location?.searchParams.get('error')).toBe('login_required');
  });
});
