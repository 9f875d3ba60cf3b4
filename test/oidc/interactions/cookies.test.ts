import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPageClient, type PageAnswer, type PageClient } from '../../browser/page-client.ts';
import { pkce } from '../../support/parties.ts';
import { postJson } from '../../support/requests.ts';
import { ADMIN_EMAIL, ADMIN_PASSWORD, startServer, type TestServer } from '../../support/server.ts';

/** What answers https for it ends TLS and passes everything on. */
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ env: { ISSUER: 'https://auth.example.com' } });
});
afterAll(() => server.stop());

/** Where a client of its own sends the browser. */
async function requestPath(): Promise<string> {
  const client = {
    client_name: 'Editor',
    redirect_uris: ['https://client.example/cb'],
    scope: 'reports:read',
  };
  const metadata = { ...client, token_endpoint_auth_method: 'none' };
  const { body } = await postJson({ ...server, issuer: server.address }, '/api/oauth/register', metadata);
  const query = new URLSearchParams({
    client_id: String(body.client_id),
    response_type: 'code',
    redirect_uri: 'https://client.example/cb',
    scope: 'reports:read',
    ...pkce().parameters,
  });
  return `/api/oauth/authorize?${query.toString()}`;
}

/** From the request to the client, and out again, past what ends TLS. */
async function wholeWay(): Promise<readonly PageAnswer[]> {
  const browser = createPageClient(server.address);
  const answers: PageAnswer[] = [];
  const visit = async (url: URL | string, sending = {}) => {
    const { pathname, search } = new URL(url, server.address);
    const answer = await browser.send(`${pathname}${search}`, sending);
    answers.push(answer);
    return answer;
  };
  const submit = async (page: PageAnswer, fields: Record<string, string>) => {
    const { url, sending } = browser.prepare(page, fields);
    return visit(url, sending);
  };
  const asked = await visit(await requestPath());
  const signIn = await visit(asked.location ?? '');
  const signedIn = await submit(signIn, { email: ADMIN_EMAIL, password: ADMIN_PASSWORD });
  const onward = await visit(signedIn.location ?? '');
  const allowed = await submit(await visit(onward.location ?? ''), {});
  expect((await visit(allowed.location ?? '')).location?.searchParams.has('code')).toBe(true);
  const signedOut = await submit(await visit('/api/oauth/logout'), { logout: 'yes' });
  expect((await visit(signedOut.location ?? '')).html).toContain('You are signed out');
  return answers;
}

test('behind TLS every cookie is kept from scripts, from other sites and from http, and most from other pages', async () => {
  const cookies = (await wholeWay()).flatMap(({ headers }) => headers.getSetCookie());
  const kinds = new Map<string, Set<string>>();
  for (const cookie of cookies) {
    expect(cookie).toMatch(/; httponly/i);
    expect(cookie).toMatch(/; samesite=lax/i);
    expect(cookie).toMatch(/; secure/i);
    expect(cookie).not.toMatch(/; domain=/i);
    const [, name = '', path = ''] = /^([^=]+)=.*; path=([^;]+)/.exec(cookie) ?? [];
    const kind = name.replace(/\.sig$/, '');
    kinds.set(kind, (kinds.get(kind) ?? new Set()).add(path.replace(/[\w-]{43}$/, '…')));
  }
  expect(Object.fromEntries([...kinds].map(([name, paths]) => [name, [...paths]]))).toEqual({
    _taskgrant_interaction: ['/interaction/…'],
    _taskgrant_resume: ['/api/oauth/authorize/…'],
    '__Secure-taskgrant_form': ['/interaction/…'],
    '__Host-taskgrant_form': ['/'],
    '__Secure-taskgrant_known': ['/interaction'],
    _taskgrant_session: ['/'],
  });
});

test('of many tabs that are opened at once none needs what another one brought the browser', async () => {
  const path = await requestPath();
  const openTab = async (browser: PageClient) => {
    const { pathname = '', search } = (await browser.send(path)).location ?? {};
    return browser.send(`${pathname}${search ?? ''}`);
  };
  const ofAll = (browser: PageClient) =>
    browser.cookies().find(({ name }) => name === '__Host-taskgrant_form')?.value ?? '';
  const [browser, meanwhile] = [createPageClient(server.address), createPageClient(server.address)];
  await openTab(browser);
  const page = await openTab(browser);
  await openTab(meanwhile);
  // The answer to a tab that was asked for first, when nothing was known of the browser, comes last.
  const [before, after] = [ofAll(browser), ofAll(meanwhile)];
  expect(after).not.toBe(before);
  const { url, sending } = browser.prepare(page, { email: ADMIN_EMAIL, password: 'wrong' });
  const own = browser.cookies().filter((one) => one.path === '/' || one.path === page.url.pathname);
  const cookie = own
    .map(({ name, value }) => `${name}=${name === '__Host-taskgrant_form' ? after : value}`)
    .join('; ');
  expect((await browser.send(url, { ...sending, headers: { cookie } })).status).toBe(422);
});

test('a browser that keeps none is told that they are needed', async () => {
  const { location } = await createPageClient(server.address).send(await requestPath());
  const page = await createPageClient(server.address).send(location?.pathname ?? '');
  expect([page.status, page.html]).toEqual([400, expect.stringContaining('with cookies switched on')]);
});
