import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { updateUser } from '../../../src/app/users/update-user.ts';
import { QueueFullError } from '../../../src/crypto/bounded-queue.ts';
import { createPageClient, type PageClient } from '../../browser/page-client.ts';
import { CALLER } from '../../support/app-context.ts';
import { authorizePath, type InteractionsApp, PASSWORD, startInteractionsApp } from './app.ts';

describe('guessing passwords', () => {
  const limits = { perEmail: 3, perSource: 8, windowSeconds: 900 };
  let throttled: InteractionsApp;
  beforeAll(async () => {
    throttled = await startInteractionsApp(limits);
  });
  afterAll(() => throttled.stop());

  let another: InteractionsApp | undefined;
  afterEach(async () => {
    await another?.stop();
    another = undefined;
  });
  /** One of its own, where the limit of a source is not what stops anybody. */
  async function fromManyNetworks(): Promise<InteractionsApp> {
    another = await startInteractionsApp({ ...limits, perSource: 100 });
    return another;
  }

  async function attempt(email: string, password: string) {
    const browser = createPageClient(throttled.issuer);
    const page = await browser.open(authorizePath(await throttled.agent()));
    return browser.submit(page, { email, password });
  }

  test('is not what somebody does whose password the server could not check', async () => {
    const person = await throttled.person();
    const { passwords } = throttled.context;
    const full = () => Promise.reject(new QueueFullError());
    Object.assign(throttled.context, { passwords: { ...passwords, verify: full } });
    for (let i = 0; i <= limits.perSource; i += 1) {
      expect((await attempt(person.email, PASSWORD)).status).toBe(503);
    }
    Object.assign(throttled.context, { passwords });
    expect((await attempt(person.email, PASSWORD)).status).toBe(200);
  });

  test('is stopped for one address, known or not, and then for one source', async () => {
    const known = await throttled.person();
    await attempt(known.email, 'wrong');
    expect((await attempt(known.email, PASSWORD)).status).toBe(200);
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1) statuses.push((await attempt(known.email, 'wrong')).status);
    expect(statuses).toEqual([422, 422, 422, 429]);

    const refused = await attempt(known.email, PASSWORD);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(800);
    expect(refused.html).toMatch(/role="alert"[^>]*>\s*<h2>Too many attempts. Try again in 15 minutes./);
    expect((await throttled.events('user_sign_in_failed'))[0]).toMatchObject({ reason: 'rate_limited' });

    expect((await attempt('nobody@example.com', 'wrong')).status).toBe(422);
    expect((await attempt('nobody@example.com', 'wrong')).status).toBe(422);
    expect((await attempt('fresh@example.com', 'wrong')).status).toBe(429);
  });

  test('locks nobody out of a browser in which they have signed in before, and is no easier there', async () => {
    const app = await fromManyNetworks();
    const [owner, other] = [await app.person(), await app.person()];
    const agent = await app.agent();
    const tryIn = async (browser: PageClient, email: string, password: string) =>
      (
        await browser.submit(await browser.open(authorizePath(agent, { prompt: 'login' })), {
          email,
          password,
        })
      ).status;
    const [own, stranger] = [createPageClient(app.issuer), createPageClient(app.issuer)];
    expect(await tryIn(own, owner.email, PASSWORD)).toBe(200);
    expect(await tryIn(stranger, other.email, PASSWORD)).toBe(200);
    const guesses: number[] = [];
    for (let i = 0; i < 4; i += 1) guesses.push(await tryIn(stranger, owner.email, 'wrong'));
    expect(guesses).toEqual([422, 422, 422, 429]);
    expect(await tryIn(createPageClient(app.issuer), owner.email, PASSWORD)).toBe(429);
    expect(await tryIn(own, owner.email, PASSWORD)).toBe(200);
    const own429: number[] = [];
    for (let i = 0; i < 4; i += 1) own429.push(await tryIn(own, owner.email, 'wrong'));
    expect(own429).toEqual([422, 422, 422, 429]);
  });

  test('is no easier for whoever knew the password before: a new one makes every browser a stranger', async () => {
    const app = await fromManyNetworks();
    const [owner, agent] = [await app.person(), await app.agent()];
    const tryIn = async (browser: PageClient, password: string) =>
      (
        await browser.submit(await browser.open(authorizePath(agent, { prompt: 'login' })), {
          email: owner.email,
          password,
        })
      ).status;
    const browsers = [1, 2, 3, 4].map(() => createPageClient(app.issuer));
    for (const browser of browsers) expect(await tryIn(browser, PASSWORD)).toBe(200);
    const edits = { password: 'another password of some length' };
    await updateUser(app.context, { caller: CALLER, userId: owner.userId, edits });
    const guesses: number[] = [];
    for (const browser of browsers) guesses.push(await tryIn(browser, 'wrong'));
    expect(guesses).toEqual([422, 422, 422, 429]);
  });
});
