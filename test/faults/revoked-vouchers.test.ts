import { beforeAll, expect, jest, test } from '@jest/globals';
import { type BrowserSession, browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK, redeemCode } from '../support/code-flow.ts';
import { type AgentParty, createPerson, pkce, registerAgent } from '../support/parties.ts';
import { type Answer, postForm } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import {
  ADMIN,
  handOff,
  introspect,
  type OpenTask,
  revoke,
  TOKEN_EXCHANGE,
} from '../support/token-requests.ts';
import { onEveryDatabase } from './nodes.ts';

/** A task that a person approved with a hand-off token as its parent has a grant of its own: nothing else names both. */
onEveryDatabase('a hand-off token that is revoked while an authorization uses it', (nodes) => {
  let server: TestServer;
  let planner: AgentParty;
  let booker: AgentParty;
  let browser: BrowserSession;
  let parent: OpenTask;

  beforeAll(async () => {
    server = nodes().front;
    const grants = ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE];
    const over = { redirect_uris: [CALLBACK], grant_types: grants };
    planner = await registerAgent(server, over);
    booker = await registerAgent(server, over);
    browser = browserOf(server, await createPerson(server));
    const form = { scope: 'reports:read', delegates: booker.clientId };
    parent = await authorize(server, { agent: planner, browser, form });
  });

  /** A hand-off token, and what redeems the code that the person gave for it. */
  async function approved() {
    const voucher = await handOff(server, parent, booker);
    const { parameters, verifier } = pkce();
    const client = { response_type: 'code', client_id: booker.clientId, redirect_uri: CALLBACK };
    const request = { ...client, ...parameters, scope: 'reports:read', parent_token: voucher };
    const { body } = await postForm(server, '/api/oauth/par', request, booker.headers);
    const query = new URLSearchParams({ client_id: booker.clientId, request_uri: body.request_uri });
    const back = await browser.allow(`/api/oauth/authorize?${query.toString()}`);
    const code = { code: back.searchParams.get('code') ?? '', verifier, redirectUri: CALLBACK };
    return { voucher, redeem: (node: TestServer) => redeemCode(node, booker, code) };
  }

  async function expectEnded({ status, body }: Answer): Promise<void> {
    if (status !== 200) return expect(body.task_error).toBe('parent_revoked');
    for (const token of [body.access_token, body.refresh_token])
      expect(await introspect(server, ADMIN, token)).toEqual({ active: false });
    return undefined;
  }

  test('[R8] ends the task that was opened with it after it was looked at', async () => {
    const { voucher, redeem } = await approved();
    const [first, last = first] = nodes().each;
    if (!first || !last) throw new Error('there are no servers');
    const { store } = first.taskgrant;
    const committing = store.commit;
    const redeemed: Answer[] = [];
    const held = jest.spyOn(store, 'commit').mockImplementation(async (unit) => {
      if (unit.events.some(({ type }) => type === 'token_revoked')) {
        held.mockRestore();
        redeemed.push(await redeem(last));
      }
      return committing(unit);
    });
    const revoked = await revoke(first, planner, voucher);
    expect(revoked.body).toMatchObject({ revoked: true, affected_child_tokens: 2 });
    expect(redeemed).toMatchObject([{ status: 200 }]);
    for (const answer of redeemed) await expectEnded(answer);
  });

  test('[R8] leaves nothing alive, whichever comes first', async () => {
    const [first, last = first] = nodes().each;
    if (!first || !last) throw new Error('there are no servers');
    for (let round = 0; round < 8; round += 1) {
      const { voucher, redeem } = await approved();
      const [answer] = await Promise.all([redeem(last), revoke(first, planner, voucher)]);
      await expectEnded(answer);
    }
  });
});
