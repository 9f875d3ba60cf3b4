import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Agent, createAgent, currentTask, type Task } from '@taskgrant/sdk/agent';
import { administer, type AgentParty, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { ADMIN, introspect } from '../../../test/support/token-requests.ts';

/** What an agent does with tasks, against the real server. */
let server: TestServer;
let orchestrator: AgentParty;
let worker: AgentParty;

beforeAll(async () => {
  server = await startServer();
  [orchestrator, worker] = await Promise.all([registerAgent(server), registerAgent(server)]);
});
afterAll(() => server.stop());

function agentOf({ clientId, clientSecret }: AgentParty): Agent {
  return createAgent({ issuer: server.issuer, clientId, clientSecret });
}

const row = (id: string) => administer(server, 'GET', `/api/tasks/${id}`);
const protectedUrl = () => `${server.issuer}/api/oauth/protected`;

describe('a task with its work', () => {
  test('is open while the work runs, and completed when it returns', async () => {
    const agent = agentOf(orchestrator);
    const result = await agent.task({ description: 'Plan a trip', scope: 'example:read' }, async (task) => {
      expect(await row(task.id)).toMatchObject({
        state: 'active',
        description: 'Plan a trip',
        scope: 'example:read',
      });
      const response = await task.fetch(protectedUrl());
      return { id: task.id, told: (await response.json()) as object };
    });
    expect(result.told).toMatchObject({ task_id: result.id, client_id: orchestrator.clientId });
    expect(await row(result.id)).toMatchObject({ state: 'completed', verifier_bound: true });
  });

  test('is failed when the work throws, and the error goes on', async () => {
    const agent = agentOf(orchestrator);
    let id = '';
    const failing = agent.task({}, (task) => {
      id = task.id;
      throw new RangeError('the secret is 42');
    });
    await expect(failing).rejects.toThrow('the secret is 42');
    expect(await row(id)).toMatchObject({ state: 'failed', ended_reason: 'RangeError' });
  });

  test('is known to the tools that the work calls', async () => {
    const agent = agentOf(orchestrator);
    const tool = async () => (await (await agent.fetch(protectedUrl())).json()) as { task_id: string };
    await agent.task({ scope: 'example:read reports:read' }, async (task) => {
      const inChild = task.child({ scope: 'example:read' }, async (child) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        expect(currentTask()).toBe(child);
        return [child, await tool()] as const;
      });
      const [[child, byChild], byTask] = await Promise.all([inChild, tool()]);
      expect(byChild.task_id).toBe(child.id);
      expect(byTask.task_id).toBe(task.id);
      expect(currentTask()).toBe(task);
      expect(byChild).toMatchObject({ parent_task_id: task.id });
    });
    expect(currentTask()).toBeUndefined();
  });
});

describe('a hand-off', () => {
  test('lets another agent go on with less, and dies with the task', async () => {
    const agent = agentOf(orchestrator);
    const other = agentOf(worker);
    let token = '';
    await agent.task({ delegates: [worker.clientId], scope: 'example:read reports:read' }, async (task) => {
      const handOff = await task.delegate(worker.clientId, { scope: 'example:read' });
      const child: Task = await other.accept(handOff, { description: 'Look it up' });
      expect(child.parentId).toBe(task.id);
      expect(child.scope).toEqual(['example:read']);
      token = await child.accessToken();
      expect((await child.fetch(protectedUrl())).status).toBe(200);
      expect(await introspect(server, ADMIN, token)).toMatchObject({
        active: true,
        act: { sub: worker.clientId },
      });
    });
    expect(await introspect(server, ADMIN, token)).toEqual({ active: false });
  });
});
