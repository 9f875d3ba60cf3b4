import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, authorize, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, administer, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, basic, bearer, postForm, postJson, send } from '../support/requests.ts';
import type { RunningServer } from '../support/server.ts';
import {
  ADMIN,
  clientCredentials,
  derive,
  introspect,
  open,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
  TOKEN_PATH,
} from '../support/token-requests.ts';
import { type NodeProcesses, startNodeProcesses } from './node-processes.ts';
import { assertingAgent, keyHolder } from './proofs.ts';

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];

let nodes: NodeProcesses;
let front: RunningServer;
let a: RunningServer;
let b: RunningServer;
let c: RunningServer;
let agent: AgentParty;
let browser: BrowserSession;

beforeAll(async () => {
  nodes = await startNodeProcesses(3);
  ({ front } = nodes);
  [a, b, c] = nodes.each as [RunningServer, RunningServer, RunningServer];
  agent = await registerAgent(a, { redirect_uris: [CALLBACK], grant_types: GRANTS });
  browser = browserOf(front, await createPerson(b));
});
afterAll(() => nodes?.stop());

/** The same question to every node at once. */
function everywhere<T>(ask: (node: RunningServer) => Promise<T>): Promise<T[]> {
  return Promise.all(nodes.each.map(ask));
}

const activeEverywhere = async (token: string) =>
  (await everywhere((node) => introspect(node, ADMIN, token))).map(({ active }) => active);

const outcome = ({ status, body }: Answer) => (body.error ? `${status} ${body.error}` : `${status}`);

describe('a person behind a balancer that is never sticky', () => {
  test('signs in, consents, and is still known at the next authorization', async () => {
    const before = [...nodes.balancer.counts];
    const first = await authorize(front, { agent, browser, form: { scope: 'reports:read' } });
    expect(await activeEverywhere(first.token)).toEqual([true, true, true]);
    const url = authorizationUrl(front, agent, { scope: 'reports:read', ...pkce().parameters });
    const again = await browser.consentPage(url);
    expect(again.html).toContain('reports:read');
    expect(again.html).not.toContain('name="password"');
    const used = nodes.balancer.counts.map((count, i) => count - (before[i] ?? 0));
    expect(Math.min(...used)).toBeGreaterThan(1);
  });

  test('approves what was pushed at one node; the code is redeemed at another and spent at all', async () => {
    const proof = pkce();
    const pushed = await postForm(
      a,
      '/api/oauth/par',
      {
        client_id: agent.clientId,
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: 'reports:read',
        ...proof.parameters,
      },
      agent.headers,
    );
    expect(pushed).toMatchObject({ status: 201 });
    const url = new URL('/api/oauth/authorize', front.issuer);
    url.search = String(
      new URLSearchParams({ client_id: agent.clientId, request_uri: pushed.body.request_uri }),
    );
    const code = (await browser.allow(url)).searchParams.get('code') ?? '';
    const redemption = { code, verifier: proof.verifier, redirectUri: CALLBACK };
    const redeemed = await redeemCode(b, agent, redemption);
    expect(outcome(redeemed)).toBe('200');
    expect(await activeEverywhere(redeemed.body.access_token)).toEqual([true, true, true]);

    expect(outcome(await redeemCode(c, agent, redemption))).toBe('400 invalid_grant');
    // RFC 6749 §4.1.2: what came of a code that is presented twice has ended, wherever that was.
    expect(await activeEverywhere(redeemed.body.access_token)).toEqual([false, false, false]);
  });

  test('stays with the agent through refreshes at one node after the other', async () => {
    const task = await authorize(front, { agent, browser, form: { scope: 'reports:read' } });
    let { refresh_token: token } = task.body;
    const seen = new Set<string>([token]);
    for (const node of [a, b, c, a]) {
      const answer = await requestToken(node, agent, { grant_type: 'refresh_token', refresh_token: token });
      expect(outcome(answer)).toBe('200');
      expect(await activeEverywhere(answer.body.access_token)).toEqual([true, true, true]);
      token = answer.body.refresh_token;
      seen.add(token);
    }
    expect(seen.size).toBe(5);
  });
});

describe('what is good for one use at one node', () => {
  test('[S31] a DPoP proof is spent at the others, too', async () => {
    const holder = await keyHolder(front, agent);
    const ask = (node: RunningServer, dpop: string) =>
      postForm(node, TOKEN_PATH, { grant_type: 'client_credentials' }, { ...agent.headers, dpop });
    const proof = await holder.proof('POST', TOKEN_PATH);
    expect(outcome(await ask(a, proof))).toBe('200');
    for (const node of [b, c, a]) expect(outcome(await ask(node, proof))).toMatch(/^400 invalid_/);
  });

  test('[S31] a DPoP nonce of one node is taken by the next (RFC 9449 §8)', async () => {
    const holder = await keyHolder(front, agent);
    const ask = async (node: RunningServer, nonce?: string) => {
      const dpop = await holder.proof('POST', TOKEN_PATH, { ahead: -7200, ...(nonce ? { nonce } : {}) });
      return postForm(node, TOKEN_PATH, { grant_type: 'client_credentials' }, { ...agent.headers, dpop });
    };
    const refused = await ask(a);
    expect(outcome(refused)).toBe('400 use_dpop_nonce');
    const nonce = refused.headers.get('dpop-nonce') ?? '';
    for (const node of [b, c]) expect(outcome(await ask(node, nonce))).toBe('200');
  });

  test('[S35] a client assertion authenticates once', async () => {
    const asserting = await assertingAgent(front);
    const assertion = await asserting.assertion();
    expect(outcome(await asserting.ask(a, assertion))).toBe('200');
    for (const node of [b, c]) {
      expect(outcome(await asserting.ask(node, assertion))).toBe('401 invalid_client');
    }
  });

  test('[R3] a task_id is taken by one of the nodes, whoever is first', async () => {
    for (let round = 0; round < 5; round += 1) {
      const form = { task_id: `wanted-everywhere-${round}` };
      const answers = await everywhere((node) =>
        clientCredentials(node, agent, { ...form, ...pkce().parameters }),
      );
      // Whoever comes after the winner's commit would join the task, and may not bring a challenge of its own.
      const refused = expect.stringMatching(/^(task_id_taken|challenge_refused)$/);
      const outcomes = answers.map(({ status, body }) => String(body.task_error ?? status));
      expect(outcomes.toSorted()).toEqual(['200', refused, refused]);
    }
  });
});

describe('what one node was told', () => {
  test('a client that registers at one is known to the next (RFC 7591, 7592)', async () => {
    const made = await postJson(a, '/api/oauth/register', {
      client_name: 'Newcomer',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: 'reports:read',
    });
    expect(made.status).toBe(201);
    const { client_id: clientId, client_secret: clientSecret, registration_access_token } = made.body;
    const newcomer = { clientId, clientSecret, headers: basic(clientId, clientSecret) };
    const task = await open(b, newcomer, { scope: 'reports:read' });
    expect(await activeEverywhere(task.token)).toEqual([true, true, true]);
    const { pathname } = new URL(made.body.registration_client_uri);
    const read = await send(c, pathname, { headers: bearer(registration_access_token) });
    expect(read).toMatchObject({ status: 200, body: { client_name: 'Newcomer' } });
  });

  test('an agent that is suspended at one is refused at all, at once', async () => {
    for (const node of nodes.each) {
      const suspended = await registerAgent(front);
      const task = await open(front, suspended);
      await administer(node, 'POST', `/api/agents/${suspended.clientId}/suspend`, { reason: 'test' });
      expect(await activeEverywhere(task.token)).toEqual([false, false, false]);
      const answers = await everywhere((other) => clientCredentials(other, suspended, pkce().parameters));
      expect(answers.map(outcome)).toEqual(Array.from({ length: 3 }, () => '400 unauthorized_client'));
    }
  });

  test('a token that is revoked at one ends with all below it at every other, at once', async () => {
    for (const node of nodes.each) {
      const root = await open(front, agent);
      const child = await derive(front, root);
      expect((await revoke(node, agent, root.token)).status).toBe(200);
      const states = await Promise.all([activeEverywhere(root.token), activeEverywhere(child.token)]);
      expect(states.flat()).toEqual(Array.from({ length: 6 }, () => false));
    }
  });

  test('a secret that is replaced at one works at all, and the old one nowhere', async () => {
    const own = await registerAgent(a);
    const path = `/api/agents/${own.clientId}/rotate-secret`;
    const { client_secret: next } = await administer(b, 'POST', path, { immediate: true });
    const fresh = { ...own, clientSecret: next, headers: basic(own.clientId, next) };
    const now = await everywhere((node) => clientCredentials(node, fresh, pkce().parameters));
    expect(now.map(outcome)).toEqual(['200', '200', '200']);
    const old = await everywhere((node) => clientCredentials(node, own, pkce().parameters));
    expect(old.map(outcome)).toEqual(Array.from({ length: 3 }, () => '401 invalid_client'));
  });

  test('they sign with one key', async () => {
    const tasks = await everywhere((node) => open(node, agent));
    const kids = tasks.map(({ token }) => decodeProtectedHeader(token).kid);
    expect(new Set(kids).size).toBe(1);
    const { code, verifier, redirectUri } = await getCode(front, { agent, browser });
    const redeemed = await redeemCode(c, agent, { code, verifier, redirectUri });
    expect(decodeProtectedHeader(redeemed.body.access_token).kid).toBe(kids[0]);
  });
});
