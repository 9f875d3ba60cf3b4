import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Agent, authorizeWithLoopback, createAgent } from '@taskgrant/sdk/agent';
import { type BrowserSession, browserOf } from '../../../test/support/browser-session.ts';
import { type AgentParty, asAdmin, createPerson, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { first, skippingClock, watch } from '../support/network.ts';

/** A person approves: the code flow with PKCE and a loopback redirect. */
let server: TestServer;
let party: AgentParty;
let helper: AgentParty;
let browser: BrowserSession;

beforeAll(async () => {
  server = await startServer();
  party = await registerAgent(server, { redirect_uris: ['http://127.0.0.1/callback'] });
  helper = await registerAgent(server);
  browser = browserOf(server, await createPerson(server));
});
afterAll(() => server.stop());

function agentOf({ clientId, clientSecret }: AgentParty, over: object = {}): Agent {
  return createAgent({ issuer: server.issuer, clientId, clientSecret, ...over });
}

/** The browser signs in and comes back to the loopback port. */
const approve = async (url: string) => {
  const back = await browser.allow(url);
  await fetch(back);
};

const terms = { scope: 'reports:read', description: 'Read my reports' };

describe('a person at this computer', () => {
  test('approves; the task is renewed by rotating its refresh token', async () => {
    const clock = skippingClock();
    const agent = agentOf(party, { clock });
    const urls: string[] = [];
    const task = await authorizeWithLoopback(agent, {
      ...terms,
      onUrl: (url) => {
        urls.push(url);
        approve(url).catch(() => undefined);
      },
    });
    expect(new URL(urls[0] ?? '').searchParams.get('redirect_uri')).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/callback$/,
    );
    expect(task.scope).toEqual(['reports:read']);
    const { refresh_token: first, access_token: token } = task.answer;
    clock.advance(590);
    const [a, b] = await Promise.all([task.accessToken(), task.renew()]);
    expect(a).not.toBe(token);
    expect(b.access_token).toBe(a);
    expect(task.answer.refresh_token).not.toBe(first);
    await agent.close();
    expect((await asAdmin(server, 'GET', `/api/tasks/${task.id}`)).body.state).toBe('active');
  });

  test('approves a task of which parts are derived and handed on', async () => {
    const task = await authorizeWithLoopback(agentOf(party), {
      ...terms,
      delegates: [helper.clientId],
      onUrl: approve0,
    });
    await task.child({ description: 'below' }, async (child) => {
      expect(child.parentId).toBe(task.id);
      expect(child.answer.task).toMatchObject({ depth: 1 });
    });
    const accepted = await agentOf(helper).accept(await task.delegate(helper.clientId));
    expect(await agentOf(helper).token.introspect({ token: await accepted.accessToken() })).toMatchObject({
      active: true,
      act: { sub: helper.clientId, act: { sub: party.clientId } },
    });
    expect(await task.complete('done')).toMatchObject({ state: 'completed' });
  });

  test('is asked again when the answer to a refresh got lost, and nothing ends by it', async () => {
    const line: { fate?: ReturnType<typeof first> } = {};
    const network = watch((request) => line.fate?.(request) ?? 'pass');
    const agent = agentOf(party, { fetch: network.fetch, clock: skippingClock() });
    const task = await authorizeWithLoopback(agent, { ...terms, onUrl: approve0 });
    line.fate = first('/token', 'lose answer');
    await task.renew();
    await task.renew();
    expect((await asAdmin(server, 'GET', `/api/tasks/${task.id}`)).body.state).toBe('active');
  });

  test('may be resumed in a later run', async () => {
    const task = await authorizeWithLoopback(agentOf(party), { ...terms, onUrl: approve0 });
    const kept = { refreshToken: task.answer.refresh_token ?? '', codeVerifier: task.codeVerifier };
    const later = await agentOf(party).resume(kept);
    expect(later.id).toBe(task.id);
    await later.child({}, (child) => expect(child.parentId).toBe(task.id));
  });

  test('may decline', async () => {
    const declined = authorizeWithLoopback(agentOf(party), {
      ...terms,
      onUrl: async (url) => void fetch(await browser.decline(url)).catch(() => undefined),
    });
    await expect(declined).rejects.toMatchObject({
      code: 'authorization_refused',
      details: { error: 'access_denied' },
    });
  });

  test('need not come back: the time runs out, or the caller gives up', async () => {
    const agent = agentOf(party);
    const late = authorizeWithLoopback(agent, { ...terms, patience: 20, onUrl: () => undefined });
    await expect(late).rejects.toMatchObject({ code: 'timeout' });
    const stop = new AbortController();
    const given = authorizeWithLoopback(agent, {
      ...terms,
      signal: stop.signal,
      onUrl: () => stop.abort(new Error('never mind')),
    });
    await expect(given).rejects.toThrow('never mind');
  });
});

const approve0 = (url: string) => {
  approve(url).catch(() => undefined);
};

describe('a stranger', () => {
  test('who knocks at the port learns nothing and changes nothing', async () => {
    const statuses: number[] = [];
    const task = await authorizeWithLoopback(agentOf(party), {
      ...terms,
      onUrl: async (url) => {
        const callback = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
        for (const query of ['?code=stolen&state=guessed', '?code=x', '?error=access_denied']) {
          statuses.push((await fetch(new URL(query, callback))).status);
        }
        statuses.push((await fetch(new URL('/other', callback))).status);
        approve0(url);
      },
    });
    expect(statuses).toEqual([404, 404, 404, 404]);
    expect(task.scope).toEqual(['reports:read']);
  });

  test('who sends a target that is no URL ends nothing either', async () => {
    const task = await authorizeWithLoopback(agentOf(party), {
      ...terms,
      onUrl: async (url) => {
        const { port } = new URL(new URL(url).searchParams.get('redirect_uri') ?? '');
        const socket = connect(Number(port), '127.0.0.1');
        socket.end('GET //[ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
        expect(await text(socket)).toMatch(/^HTTP\/1.1 404 /);
        approve0(url);
      },
    });
    expect(task.scope).toEqual(['reports:read']);
  });

  test('cannot mix in the answer of another server', async () => {
    const agent = agentOf(party);
    const redirectUri = 'http://127.0.0.1:4444/callback';
    const authorization = await agent.authorization({ ...terms, redirectUri });
    const back = await browser.allow(authorization.url);
    const mixed = new URL(back);
    mixed.searchParams.set('iss', 'https://evil.example.com');
    await expect(authorization.redeem(mixed)).rejects.toMatchObject({ code: 'authorization_refused' });
    const foreign = new URL(back);
    foreign.searchParams.set('state', 'another');
    await expect(authorization.redeem(foreign)).rejects.toMatchObject({ code: 'authorization_refused' });
    expect((await authorization.redeem(back)).scope).toEqual(['reports:read']);
  });
});

test('a public client redeems, refreshes and derives by its verifier alone', async () => {
  const registered = await createAgent({ issuer: server.issuer }).registerClient({
    client_name: 'My editor',
    redirect_uris: ['http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    token_endpoint_auth_method: 'none',
    scope: 'example:read reports:read',
  });
  const agent = createAgent({ issuer: server.issuer, clientId: registered.client_id });
  const task = await authorizeWithLoopback(agent, { ...terms, onUrl: approve0 });
  await task.renew();
  const child = await task.child({ description: 'a part' });
  expect(child.parentId).toBe(task.id);
  await expect(agent.task()).rejects.toMatchObject({ code: expect.stringMatching(/client/) });
});
