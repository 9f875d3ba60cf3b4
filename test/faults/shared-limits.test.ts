import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout } from 'node:timers/promises';
import { createPageClient } from '../browser/page-client.ts';
import { authorizationUrl, CALLBACK } from '../support/code-flow.ts';
import { administer, type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, basic, postForm, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { clientCredentials, requestToken } from '../support/token-requests.ts';
import { atOnce, type Nodes, startNodes, tally } from './nodes.ts';

const LIMITS = {
  tiers: { free: 30, pro: 1000 },
  anonymous: 100,
  authenticationFailures: { perSource: 12, perClient: 6 },
  registrations: 10,
  signIns: { perEmail: 4, perSource: 50 },
};
/** How soon one node knows what the other has exhausted, with time to spare. */
const NEWS_MS = 300;

let hosts = 0;
function elsewhere(): Record<string, string> {
  hosts += 1;
  return { 'x-forwarded-for': `203.0.113.${hosts}` };
}

describe('two servers on one PostgreSQL', () => {
  let nodes: Nodes;
  let one: TestServer;
  let two: TestServer;
  beforeAll(async () => {
    nodes = await startNodes('PostgreSQL', {
      env: { RATE_LIMITS: 'on', TRUST_PROXY: '1' },
      settings: { limits: LIMITS },
    });
    [one, two] = nodes.each as [TestServer, TestServer];
  });
  afterAll(() => nodes.stop());

  const ask = (server: TestServer, agent: AgentParty) => clientCredentials(server, agent, pkce().parameters);
  const guess = (server: TestServer, clientId: string, from: Record<string, string>, secret = 'guess') =>
    requestToken(
      server,
      { headers: { ...basic(clientId, secret), ...from } },
      { grant_type: 'client_credentials', ...pkce().parameters },
    );

  test('give a client its limit once, however its requests are spread', async () => {
    const agent = await registerAgent(nodes.front);
    const answers = await atOnce((i) => ask(i % 3 === 0 ? one : two, agent), 60);
    expect(tally(answers)).toEqual({ 200: 30, '429 invalid_request': 30 });
    expect((await ask(one, agent)).status).toBe(429);
    expect((await ask(two, agent)).status).toBe(429);
  });

  test('tell what is left of the same limit, and of another one as soon as the tier is another one', async () => {
    const agent = await registerAgent(nodes.front);
    const limits = async () => {
      // The first answer may tell what was remembered.
      await Promise.all([ask(one, agent), ask(two, agent)]);
      return (await Promise.all([ask(one, agent), ask(two, agent)])).map(({ headers }) =>
        headers.get('x-ratelimit-limit'),
      );
    };
    expect(await limits()).toEqual(['30', '30']);
    await administer(one, 'PUT', `/api/agents/${agent.clientId}`, { tier: 'pro' });
    expect(await limits()).toEqual(['1000', '1000']);
    await administer(two, 'PUT', `/api/agents/${agent.clientId}`, { tier: 'free' });
    expect(await limits()).toEqual(['30', '30']);
  });

  test('never give more than a large limit, of which each keeps a hundredth at most', async () => {
    const agent = await registerAgent(nodes.front);
    await administer(nodes.front, 'PUT', `/api/agents/${agent.clientId}`, { tier: 'pro' });
    const introspect = (i: number) =>
      postForm(i % 2 === 0 ? one : two, '/api/oauth/introspect', { token: 'x' }, agent.headers);
    let allowed = 0;
    for (let round = 0; round < 9; round += 1) {
      const answers = await atOnce(introspect, 128);
      allowed += answers.filter(({ status }) => status === 200).length;
    }
    expect(allowed).toBeLessThanOrEqual(1000);
    // What a rush reserved on one node may be left over there.
    expect(allowed).toBeGreaterThan(1000 - 2 * 64);
  });

  test('[S17] stop a guesser together', async () => {
    const agent = await registerAgent(nodes.front);
    const from = elsewhere();
    const statuses: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      statuses.push((await guess(i % 2 === 0 ? one : two, agent.clientId, from)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429, 429, 429]);
    await setTimeout(NEWS_MS);
    for (const node of [one, two]) {
      expect((await guess(node, agent.clientId, from, agent.clientSecret)).status).toBe(429);
      expect((await guess(node, agent.clientId, elsewhere(), agent.clientSecret)).status).toBe(200);
    }
  });

  test('[S17] answer no more of a rush of guesses than the limit', async () => {
    const agent = await registerAgent(nodes.front);
    const from = elsewhere();
    const rush = await atOnce((i) => guess(i % 2 === 0 ? one : two, agent.clientId, from));
    expect(tally(rush)).toEqual({ '401 invalid_client': 6, '429 invalid_request': 58 });
  });

  test('count registrations and anonymous requests of an address together', async () => {
    const from = elsewhere();
    const headers = { ...from, 'content-type': 'application/json' };
    const body = JSON.stringify({
      redirect_uris: ['https://c.example.com/cb'],
      token_endpoint_auth_method: 'none',
    });
    const register = (server: TestServer) =>
      send(server, '/api/oauth/register', { method: 'POST', headers, body });
    const registered = await atOnce((i) => register(i % 2 === 0 ? one : two), 30);
    expect(tally(registered)).toEqual({ 201: 10, '429 invalid_request': 20 });
    const rest = await atOnce(
      (i) => send(i % 2 === 0 ? one : two, '/.well-known/oauth-protected-resource', { headers: from }),
      100,
    );
    expect(rest.filter(({ status }) => status === 200)).toHaveLength(70);
  });

  test('stop the guessing of a password together, and forgive together what was right', async () => {
    const agent = await registerAgent(nodes.front, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
    });
    const person = await createPerson(nodes.front);
    const attempt = async (server: TestServer, password: string): Promise<Pick<Answer, 'status'>> => {
      const url = authorizationUrl(server, agent, { ...pkce().parameters, scope: 'reports:read' });
      const browser = createPageClient(server.address);
      const path = `${url.pathname}${url.search}`;
      return browser.submit(await browser.open(path), { email: person.email, password });
    };
    for (const node of [one, two, one]) expect((await attempt(node, 'wrong')).status).toBe(422);
    // Signed in, and sent on to the request at the issuer's address.
    expect((await attempt(two, person.password)).status).toBe(303);
    for (const node of [one, two, one, two]) expect((await attempt(node, 'wrong')).status).toBe(422);
    for (const node of [one, two]) expect((await attempt(node, person.password)).status).toBe(429);
  });
});
