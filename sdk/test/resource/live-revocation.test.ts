import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Guard } from '@taskgrant/sdk/resource';
import { browserOf } from '../../../test/support/browser-session.ts';
import { authorize, CALLBACK } from '../../../test/support/code-flow.ts';
import {
  administer,
  type AgentParty,
  createPerson,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import {
  delegate,
  derive,
  open,
  type OpenTask,
  requestToken,
  revoke,
  TOKEN_EXCHANGE,
} from '../../../test/support/token-requests.ts';
import { guardOf, statusOf, untilRefused } from './protected-api.ts';

/** One resource server that checks tokens offline, and everything that can end one. */
let server: TestServer;
let api: ResourceServerParty;
let guard: Guard;
let planner: AgentParty;
let helper: AgentParty;

/** From the answer of the revocation on. */
const SOON_MS = 250;
const GRANT_TYPES = ['authorization_code', 'client_credentials', 'refresh_token', TOKEN_EXCHANGE];

beforeAll(async () => {
  server = await startServer();
  api = await registerResourceServer(server);
  [planner, helper] = await Promise.all([
    registerAgent(server, { redirect_uris: [CALLBACK], grant_types: GRANT_TYPES }),
    registerAgent(server),
  ]);
  guard = guardOf(server, api);
  await guard.ready();
});
afterAll(async () => {
  guard.close();
  await server.stop();
});

const openHere = (agent = planner, form = {}) =>
  open(server, agent, { scope: 'reports:read', resource: api.audience, ...form });

async function expectLive(...tasks: readonly OpenTask[]): Promise<void> {
  expect(await Promise.all(tasks.map(({ token }) => statusOf(guard, token)))).toEqual(tasks.map(() => 200));
}

async function expectEnds(...tasks: readonly OpenTask[]): Promise<void> {
  for (const { token } of tasks) expect(await untilRefused(guard, token, SOON_MS)).toBeLessThan(SOON_MS);
}

describe('a token that is checked offline', () => {
  test('is refused as soon as its task is revoked, and nobody else’s is', async () => {
    const [mine, other] = await Promise.all([openHere(), openHere()]);
    await expectLive(mine, other);
    await administer(server, 'POST', `/api/tasks/${mine.taskId}/revoke`, { reason: 'enough' });
    await expectEnds(mine);
    await expectLive(other);
  });

  test('is refused as soon as an ancestor of its task ends', async () => {
    const root = await openHere();
    const child = await derive(server, root, {});
    const grandchild = await derive(server, child, {});
    await expectLive(root, child, grandchild);
    await administer(server, 'POST', `/api/tasks/${child.taskId}/revoke`, {});
    await expectEnds(grandchild, child);
    await expectLive(root);
  });

  test('is refused as soon as the token is revoked that its task was derived through', async () => {
    const root = await openHere(planner, { delegates: helper.clientId });
    const child = await delegate(server, root, helper);
    await expectLive(root, child);
    await revoke(server, planner, root.token);
    await expectEnds(root, child);
  });

  test('survives when the parent token alone is revoked', async () => {
    const root = await openHere();
    const child = await derive(server, root, {});
    await revoke(server, planner, root.token, { revoke_children: 'false' });
    await expectEnds(root);
    await expectLive(child);
  });

  test('is refused as soon as an agent in its chain is suspended, and stays so when that is active again', async () => {
    const passing = await registerAgent(server);
    const root = await openHere(planner, { delegates: passing.clientId });
    const child = await delegate(server, root, passing);
    await expectLive(child);
    await administer(server, 'POST', `/api/agents/${passing.clientId}/suspend`);
    await expectEnds(child);
    await administer(server, 'POST', `/api/agents/${passing.clientId}/reactivate`);
    const later = await openHere(passing);
    await expectLive(root, later);
    expect(await statusOf(guard, child.token)).toBe(401);
  });

  test('is refused as soon as its person is disabled', async () => {
    const person = await createPerson(server);
    const form = { scope: 'reports:read', resource: api.audience };
    const task = await authorize(server, { agent: planner, browser: browserOf(server, person), form });
    await expectLive(task);
    await administer(server, 'POST', `/api/admin/users/${person.userId}/disable`);
    await expectEnds(task);
  });

  test('is refused as soon as its grant ends by a refresh token that comes twice', async () => {
    const root = await openHere();
    const refreshed = (refresh_token: string) =>
      requestToken(server, planner, {
        grant_type: 'refresh_token',
        refresh_token,
        code_verifier: root.verifier,
      });
    const { body } = await refreshed(root.body.refresh_token);
    const child = await derive(server, root, {});
    await expectLive({ ...root, token: body.access_token }, child);
    // Beyond the time in which a client that lost the answer may ask again.
    server.clock.advance(31);
    expect((await refreshed(root.body.refresh_token)).status).toBe(400);
    await expectEnds(child, { ...root, token: body.access_token });
  });
});

describe('a guard that begins', () => {
  test('knows what was revoked before, and lets nobody in without knowing it', async () => {
    const [dead, live] = await Promise.all([openHere(), openHere()]);
    await administer(server, 'POST', `/api/tasks/${dead.taskId}/revoke`, {});
    const late = guardOf(server, api, { rememberTokens: 10 });
    try {
      // Nobody waited for ready(): the first requests do.
      expect(await Promise.all([statusOf(late, dead.token), statusOf(late, live.token)])).toEqual([401, 200]);
      expect(late.status().feed).toMatchObject({
        ageSeconds: expect.any(Number),
        revocations: expect.any(Number),
      });
    } finally {
      late.close();
    }
  });

  test('shares the feed with others of the same API', async () => {
    const reader = guardOf(server, api);
    const writer = guard.requiring({ scope: 'reports:write' });
    const { token } = await openHere();
    expect([await statusOf(reader, token), await statusOf(writer, token)]).toEqual([200, 403]);
    expect(reader.status()).toEqual({ mode: 'live', feed: expect.objectContaining({ state: 'streaming' }) });
    reader.close();
    expect(await statusOf(guard, token)).toBe(200);
  });
});
