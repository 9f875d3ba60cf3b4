import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import Koa from 'koa';
import request from 'supertest';
import { renderLogoutPage } from '../../../src/oidc/views/logout-pages.ts';
import type { PageAnswer } from '../../browser/page-client.ts';
import { authorizePath, PASSWORD } from './app.ts';
import { interactionsScene } from './scene.ts';

const { app, user, newBrowser } = interactionsScene();

/** Every answer from the request to the client, step by step. */
async function wholeWay(over: Record<string, string> = {}): Promise<PageAnswer[]> {
  const browser = newBrowser();
  const steps = [await browser.send(authorizePath(await app.agent(), over))];
  const follow = async () => {
    for (let last = steps.at(-1); last?.location?.origin === app.issuer; last = steps.at(-1)) {
      steps.push(await browser.send(last.location));
    }
    return steps.at(-1) as PageAnswer;
  };
  const post = async (page: PageAnswer, fields: Record<string, string>) => {
    const prepared = browser.prepare(page, fields);
    steps.push(await browser.send(prepared.url, prepared.sending));
    return follow();
  };
  const consent = await post(await follow(), { email: user.email, password: PASSWORD });
  await post(consent, {});
  return steps;
}

describe('headers on the way through an authorization', () => {
  test('never cut an application off from the pop-up it opened, on pages and on redirects', async () => {
    const steps = await wholeWay();
    expect(steps.map(({ status }) => status)).toEqual([303, 200, 303, 303, 200, 303, 303]);
    for (const { headers } of steps) expect(headers.get('cross-origin-opener-policy')).toBe('unsafe-none');
  });

  test('are never those of a 307, which would send the password on (S9)', async () => {
    expect((await wholeWay()).map(({ status }) => status)).not.toContain(307);
  });

  test('let the one script of form_post run, and nothing else', async () => {
    const last = (await wholeWay({ response_mode: 'form_post' })).at(-1);
    const script = /<script>([\s\S]*?)<\/script>/.exec(last?.html ?? '')?.[1] ?? '';
    const digest = createHash('sha256').update(script).digest('base64');
    expect(last?.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(last?.headers.get('content-security-policy')).toContain(`'sha256-${digest}'`);
  });
});

describe('signing out', () => {
  const koa = new Koa();
  koa.use((ctx) => {
    const params = { post_logout_redirect_uri: 'https://client.example/bye' };
    Object.assign(ctx, { oidc: { params } });
    renderLogoutPage(ctx, '<form id="op.logoutForm" method="post" action="/confirm"></form>');
  });
  const server = createServer(koa.callback());

  test('is asked about with buttons that work without a script', async () => {
    const { text, headers } = await request(server).get('/ask');
    expect(text).toContain('<form id="op.logoutForm" method="post" action="/confirm"></form>');
    expect(text).toMatch(
      /<button class="primary" type="submit" form="op.logoutForm" name="logout" value="yes">/,
    );
    expect(text).toMatch(/<button type="submit" form="op.logoutForm">Stay signed in/);
    expect(headers['content-security-policy']).toContain("form-action 'self' https://client.example https:;");
  });
});
