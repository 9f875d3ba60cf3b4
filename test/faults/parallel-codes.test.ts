import { beforeAll, expect, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorizationUrl, CALLBACK, getCode, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { postForm } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { ADMIN, auditEvents, introspect, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { atOnce, type Nodes, onEveryDatabase, RIVALS, tally, winner } from './nodes.ts';

const SCOPE = 'reports:read';

onEveryDatabase('an authorization that is used by many at once', (nodes) => {
  let server: TestServer;
  let agent: AgentParty;
  let browser: BrowserSession;

  beforeAll(async () => {
    server = nodes().front;
    const grants = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];
    agent = await registerAgent(server, { redirect_uris: [CALLBACK], grant_types: grants });
    browser = browserOf(server, await createPerson(server));
  });

  test('[S15] a code is redeemed once, and its replays end what it led to', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: SCOPE } });
    const answers = await atOnce(() => redeemCode(server, agent, code));
    expect(tally(answers)).toEqual({ 200: 1, '400 invalid_grant': RIVALS - 1 });
    const { body } = winner(answers);

    // ADR 0007: the winner cannot be told from a thief, so nobody keeps anything.
    for (const token of [body.access_token, body.refresh_token]) await expectDead(nodes(), token);
    expect(await introspect(server, ADMIN, body.refresh_token)).toEqual({ active: false });
    const again = await redeemCode(server, agent, code);
    expect(again).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });

    const replays = await auditEvents(server, { event_type: 'token_replayed', client_id: agent.clientId }, 1);
    expect(replays.length).toBeGreaterThan(0);
    for (const { status, details } of replays) {
      expect({ status, grant: details.grant }).toEqual({
        status: 'refused',
        grant: replays[0].details.grant,
      });
    }
    await expectOneTask(server, agent, body.task_id);
  });

  test('a code that nobody repeats stays good', async () => {
    const code = await getCode(server, { agent, browser, form: { scope: SCOPE } });
    const { status, body } = await redeemCode(server, agent, code);
    expect(status).toBe(200);
    for (const node of nodes().each) {
      expect(await introspect(node, ADMIN, body.access_token)).toMatchObject({ active: true });
    }
  });

  test('codes of many people at once are redeemed, each once', async () => {
    const codes = [];
    for (let i = 0; i < 8; i += 1)
      codes.push(await getCode(server, { agent, browser, form: { scope: SCOPE } }));
    const answers = await Promise.all(codes.map((code) => redeemCode(server, agent, code)));
    expect(tally(answers)).toEqual({ 200: 8 });
    for (const { body } of answers) {
      expect(await introspect(server, ADMIN, body.access_token)).toMatchObject({ active: true });
    }
  });

  test('a pushed request leads to one code', async () => {
    const proof = pkce();
    const pushed = await postForm(
      server,
      '/api/oauth/par',
      {
        response_type: 'code',
        client_id: agent.clientId,
        redirect_uri: CALLBACK,
        scope: SCOPE,
        ...proof.parameters,
      },
      agent.headers,
    );
    expect(pushed.status).toBe(201);
    const url = new URL('/api/oauth/authorize', server.issuer);
    url.search = new URLSearchParams({
      client_id: agent.clientId,
      request_uri: pushed.body.request_uri,
    }).toString();
    // Many windows of one browser are shown the page; the person allows it in all of them.
    const windows = await Promise.all(Array.from({ length: RIVALS }, () => browser.consentPage(url)));
    const back = await Promise.all(
      windows.map(async (page) => {
        if (page.location) return page.location;
        return (await browser.pages.submit(page, {})).location;
      }),
    );
    const codes = new Set(back.map((location) => location?.searchParams.get('code')).filter(Boolean));
    expect(codes.size).toBe(1);
    const [code = ''] = codes as Set<string>;
    const redeemed = await redeemCode(server, agent, {
      code,
      verifier: proof.verifier,
      redirectUri: CALLBACK,
    });
    expect(redeemed.status).toBe(200);
  });

  test('an authorization request without PAR may be repeated: each approval is one of its own', async () => {
    const proof = pkce();
    const url = authorizationUrl(server, agent, { scope: SCOPE, ...proof.parameters });
    const codes = [await browser.allow(url), await browser.allow(url)].map(
      (back) => back.searchParams.get('code') ?? '',
    );
    for (const code of codes) {
      const redeemed = await redeemCode(server, agent, {
        code,
        verifier: proof.verifier,
        redirectUri: CALLBACK,
      });
      expect(redeemed.status).toBe(200);
    }
  });
});

async function expectDead({ each }: Nodes, token: string): Promise<void> {
  for (const node of each) expect(await introspect(node, ADMIN, token)).toEqual({ active: false });
}

/** One winner wrote its task, its tokens and their events; the others wrote nothing but their refusals. */
async function expectOneTask(server: TestServer, { clientId }: AgentParty, taskId: string): Promise<void> {
  const { store } = server.taskgrant;
  const tasks = await store.tasks.search({ clientId, now: 0 }, { limit: 10 });
  expect(tasks.items.map((task) => task.taskId)).toEqual([taskId]);
  const tokens = await store.tokens.ofTask(tasks.items[0]?.handle ?? '');
  expect(tokens.map(({ kind }) => kind).sort()).toEqual(['access', 'refresh']);
  for (const type of ['task_opened', 'token_issued']) {
    expect(await auditEvents(server, { event_type: type, task_id: taskId })).toHaveLength(1);
  }
}
