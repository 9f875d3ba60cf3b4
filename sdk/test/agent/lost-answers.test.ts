import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgent } from '@taskgrant/sdk/agent';
import { administer, type AgentParty, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { type Fate, first, type SentRequest, skippingClock, watch } from '../support/network.ts';

/** Answers that got lost on the way: what was asked for is had once, and only once. */
let server: TestServer;
let opener: AgentParty;
let helper: AgentParty;

beforeAll(async () => {
  server = await startServer();
  [opener, helper] = await Promise.all([registerAgent(server), registerAgent(server)]);
});
afterAll(() => server.stop());

function over(fateOf: (request: SentRequest) => Fate, { clientId, clientSecret } = opener, dpop?: true) {
  const network = watch(fateOf);
  const { fetch } = network;
  const agent = createAgent({
    issuer: server.issuer,
    clientId,
    clientSecret,
    fetch,
    dpop,
    clock: skippingClock(),
  });
  return { agent, network };
}

async function tasksOf({ clientId }: AgentParty): Promise<number> {
  const { tasks } = await administer(server, 'GET', `/api/admin/tasks?client_id=${clientId}&limit=200`);
  return tasks.length as number;
}

const FATES = ['drop', 'lose answer'] as const;

describe.each(FATES)('when the first request is met by "%s"', (fate) => {
  test.each([undefined, true as const])(
    'a root task is opened once (dpop: %s), and can be continued',
    async (dpop) => {
      const before = await tasksOf(opener);
      const { agent, network } = over(first('/token', fate), opener, dpop);
      const task = await agent.task({ description: 'Once', scope: 'example:read' });
      expect(await tasksOf(opener)).toBe(before + 1);
      expect(network.requests.filter(({ url }) => url.pathname.endsWith('/token')).length).toBeGreaterThan(1);
      await task.renew();
      expect(await task.complete()).toMatchObject({ state: 'completed' });
    },
  );

  test('a child is derived once', async () => {
    const line: { fate?: (request: SentRequest) => Fate } = {};
    const { agent } = over((request) => line.fate?.(request) ?? 'pass');
    const task = await agent.task();
    line.fate = first('/token', fate);
    const before = await tasksOf(opener);
    const child = await task.child({ description: 'Once' });
    expect(child.parentId).toBe(task.id);
    expect(await tasksOf(opener)).toBe(before + 1);
    expect(await child.complete()).toMatchObject({ state: 'completed' });
  });

  test('a hand-off is accepted once, though it works only once', async () => {
    const { agent } = over(() => 'pass');
    const { agent: other } = over(first('/token', fate), helper);
    const task = await agent.task({ delegates: [helper.clientId] });
    const before = await tasksOf(helper);
    const child = await other.accept(await task.delegate(helper.clientId));
    expect(child.parentId).toBe(task.id);
    expect(await tasksOf(helper)).toBe(before + 1);
    expect(await child.complete()).toMatchObject({ state: 'completed' });
  });

  test('an agent is registered once, with its credentials in the answer', async () => {
    const { agent } = over(first('/register', fate));
    const named = { agentName: `Registered over a bad line: ${fate}` };
    const { credentials } = await agent.register(named);
    expect(credentials.client_secret).toMatch(/^tgs_/);
    const { agents } = await administer(
      server,
      'GET',
      `/api/agents/list?name=${encodeURIComponent(named.agentName)}`,
    );
    expect(agents).toHaveLength(1);
  });

  test('the end of a task is told once', async () => {
    const { agent } = over(first('/revoke', fate));
    const task = await agent.task();
    await task.revoke('no longer needed');
    expect(await administer(server, 'GET', `/api/tasks/${task.id}`)).toMatchObject({ state: 'revoked' });
  });
});

describe('a refusal stands', () => {
  test('when a task id turns out to be another’s after a lost request', async () => {
    const { agent: other } = over(() => 'pass', helper);
    const taken = await other.task();
    const { agent } = over(first('/token', 'drop'));
    await expect(agent.task({ id: taken.id })).rejects.toMatchObject({ taskError: 'task_id_taken' });
  });

  test('when the id is one of another process of the same agent', async () => {
    const taken = await over(() => 'pass').agent.task();
    const { agent } = over(first('/token', 'drop'));
    await expect(agent.task({ id: taken.id })).rejects.toMatchObject({ taskError: 'challenge_refused' });
    expect((await taken.fetch(`${server.issuer}/api/oauth/protected`)).status).toBe(200);
  });

  test('when the parent was revoked, though a request was lost; nothing is opened instead', async () => {
    const { agent } = over(() => 'pass');
    const task = await agent.task({ delegates: [helper.clientId] });
    const handOff = await task.delegate(helper.clientId);
    await task.revoke();
    const before = await tasksOf(helper);
    const { agent: other } = over(first('/token', 'drop'), helper, true);
    await expect(other.accept(handOff)).rejects.toMatchObject({ taskError: 'parent_revoked' });
    expect(await tasksOf(helper)).toBe(before);
  });

  test('of an activation: it works once, so it is sent once', async () => {
    const { agent, network } = over(first('/activate', 'lose answer'));
    const { credentials } = await agent.register({ agentName: 'Activated over a bad line' });
    await expect(agent.activate(credentials.registration_token)).rejects.toMatchObject({
      code: 'network_error',
    });
    expect(network.requests.filter(({ url }) => url.pathname.endsWith('/activate'))).toHaveLength(1);
  });
});
