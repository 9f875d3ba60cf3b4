import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { refreshWith, registerWithKey, verified, verify } from '../support/agent-auth.ts';
import { administer, pkce, registerAgent } from '../support/parties.ts';
import { bearer, send } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import {
  ADMIN,
  clientCredentials,
  introspect,
  open,
  requestToken,
  revoke,
} from '../support/token-requests.ts';
import { type Nodes, startNodes } from './nodes.ts';
import { assertingAgent } from './proofs.ts';
import { tend } from './tend.ts';

let nodes: Nodes;
beforeAll(async () => {
  nodes = await startNodes('PostgreSQL');
});
afterAll(() => nodes.stop());

test('what works once works once, though it was used by a clock that is ahead', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const { refreshToken } = await verified(right, await registerWithKey(right, { name: 'Keyed' }));
  wrong.clock.advance(30);
  expect((await refreshWith(wrong, refreshToken)).status).toBe(200);
  expect((await refreshWith(right, refreshToken)).status).toBe(400);
  wrong.clock.advance(-30);
});

test('a secret that is replaced at once works nowhere, though by another clock it is not yet that time', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const agent = await registerAgent(right);
  expect((await clientCredentials(right, agent, pkce().parameters)).status).toBe(200);
  wrong.clock.advance(60);
  await administer(wrong, 'POST', `/api/agents/${agent.clientId}/rotate-secret`, { immediate: true });
  expect((await clientCredentials(right, agent, pkce().parameters)).status).toBe(401);
  wrong.clock.advance(-60);
});

test('an API key that is replaced at once works nowhere, either', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const party = await registerWithKey(right);
  const path = `/api/agents/${party.agentId}/api-keys`;
  const { api_keys: keys } = await administer(right, 'GET', path);
  wrong.clock.advance(60);
  await administer(wrong, 'POST', `${path}/${keys[0].key_id}/rotate`, { immediate: true });
  expect((await verify(right, party)).status).toBe(401);
  wrong.clock.advance(-60);
});

test('a clock that is set back does not let a refresh token be used again for as long', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const agent = await registerAgent(right, { grant_types: ['client_credentials', 'refresh_token'] });
  const task = await open(right, agent);
  const refresh = (node: TestServer) =>
    requestToken(node, agent, {
      grant_type: 'refresh_token',
      refresh_token: task.body.refresh_token,
      code_verifier: task.verifier,
    });
  wrong.clock.advance(1800);
  expect((await refresh(wrong)).status).toBe(200);
  wrong.clock.advance(-1800);
  expect(await refresh(wrong)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('a server whose clock is minutes ahead lets nothing be used twice, and no key go too early', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const client = await assertingAgent(nodes.front);
  const assertion = await client.assertion();
  expect((await client.ask(right, assertion)).status).toBe(200);

  wrong.clock.advance(9 * 60);
  const retiredBefore: number[] = [];
  const { keyring } = wrong.taskgrant;
  const removeRetired: typeof keyring.removeRetired = async (now) => {
    retiredBefore.push(now);
    return 0;
  };
  expect(await tend(wrong, { keyring: { ...keyring, removeRetired } })).toEqual([]);
  expect((await client.ask(right, assertion)).status).toBe(401);
  expect(retiredBefore[0]).toBeLessThan(right.clock.now());
});

test('how a token was issued is explained though it was used, by another clock, before', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const { token, tokenId, taskId } = await open(wrong, await registerAgent(right));
  for (let use = 0; use < 6; use += 1) {
    const headers = { ...bearer(token), 'x-task-id': taskId };
    expect((await send(right, '/api/oauth/protected', { headers })).status).toBe(200);
  }
  const explained = await administer(right, 'GET', `/api/admin/explain/${tokenId}`);
  expect(explained.no_longer_known).toEqual([]);
});

test('a server whose clock is hours ahead revives nothing that was revoked', async () => {
  const [right, wrong] = nodes.each as [TestServer, TestServer];
  const agent = await registerAgent(right);
  const { token } = await open(right, agent);
  await revoke(right, agent, token);
  // The last row of the ledger stays in any case.
  await revoke(right, agent, (await open(right, agent)).token);

  wrong.clock.advance(3 * 3600);
  const told = await tend(wrong);
  expect(await introspect(right, ADMIN, token)).toEqual({ active: false });
  expect(told).toEqual([expect.stringMatching(/the clock is \d+ ms ahead/)]);
  expect(await tend(right)).toEqual([]);
});
