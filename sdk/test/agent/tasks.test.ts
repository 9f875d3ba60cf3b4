import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Agent, createAgent, currentTask, type HandOff, type Task } from '@taskgrant/sdk/agent';
import { administer, type AgentParty, asAdmin, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { ADMIN, introspect } from '../../../test/support/token-requests.ts';
import { startApi } from '../support/api.ts';
import { skippingClock } from '../support/network.ts';

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

describe('a task that is interrupted', () => {
  test('by its signal is revoked at once, though the work goes on; requests under way are aborted', async () => {
    const api = await startApi(() => undefined);
    const stop = new AbortController();
    let id = '';
    const heard: unknown[] = [];
    const working = agentOf(orchestrator).task(
      { signal: stop.signal, origins: [api.origin] },
      async (task) => {
        id = task.id;
        task.fetch(api.origin).catch((error: unknown) => heard.push(error));
        await new Promise(() => undefined);
      },
    );
    while (api.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error('the user went away'));
    await expect(working).rejects.toThrow('the user went away');
    expect(heard).toEqual([new Error('the user went away')]);
    expect(await row(id)).toMatchObject({ state: 'revoked', ended_reason: 'aborted' });
    await api.stop();
  });

  test('takes its children along', async () => {
    const stop = new AbortController();
    const ids: string[] = [];
    const working = agentOf(orchestrator).task({ signal: stop.signal }, (task) =>
      task.child({}, async (child) => {
        ids.push(task.id, child.id);
        stop.abort(new Error('enough'));
        await new Promise(() => undefined);
      }),
    );
    await expect(working).rejects.toThrow('enough');
    const [parent, child] = await Promise.all(ids.map(row));
    expect([parent.state, child.state]).toEqual(['revoked', 'revoked']);
  });

  test('before it was opened is never opened', async () => {
    const asked = agentOf(orchestrator).task(
      { id: 'never-opened', signal: AbortSignal.abort(new Error('no')) },
      () => 1,
    );
    await expect(asked).rejects.toThrow('no');
    expect((await asAdmin(server, 'GET', '/api/tasks/never-opened')).status).toBe(404);
  });

  test('by an administrator is not called complete', async () => {
    const working = agentOf(orchestrator).task({}, async (task) => {
      await administer(server, 'POST', `/api/tasks/${task.id}/revoke`, {});
      return 'made under a revoked task';
    });
    await expect(working).rejects.toMatchObject({ name: 'TaskgrantError', code: 'invalid_token' });
  });
});

describe('nested tasks', () => {
  test('a child that throws fails alone when its parent catches', async () => {
    const ids: string[] = [];
    const result = await agentOf(orchestrator).task({}, async (task) => {
      const tried = await task
        .child({}, (child) => {
          ids.push(task.id, child.id);
          throw new Error('part failed');
        })
        .catch(() => 'another way');
      expect(currentTask()).toBe(task);
      return tried;
    });
    expect(result).toBe('another way');
    const [parent, child] = await Promise.all(ids.map(row));
    expect([parent.state, child.state]).toEqual(['completed', 'failed']);
  });

  test('three levels each hold less, and know their parents', async () => {
    await agentOf(orchestrator).task(
      { scope: 'example:read reports:read', tools: ['search', 'mail'] },
      (root) =>
        root.child({ scope: 'example:read', tools: ['search'] }, (middle) =>
          middle.child({ tools: [] }, async (leaf) => {
            expect([root.scope, middle.scope, leaf.scope]).toEqual([
              ['example:read', 'reports:read'],
              ['example:read'],
              ['example:read'],
            ]);
            expect([root.tools, middle.tools, leaf.tools]).toEqual([['search', 'mail'], ['search'], []]);
            expect([leaf.parentId, leaf.rootId]).toEqual([middle.id, root.id]);
            await expect(leaf.child({ scope: 'reports:read' })).rejects.toMatchObject({
              taskError: 'not_subset',
            });
          }),
        ),
    );
  });

  test('whatever runs in parallel has the token of its own task', async () => {
    const agent = agentOf(orchestrator);
    const ask = async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      return ((await (await agent.fetch(protectedUrl())).json()) as { task_id: string }).task_id;
    };
    await agent.task({}, async (task) => {
      const children = Array.from({ length: 6 }, () =>
        task.child({}, async (child) => expect(await ask()).toBe(child.id)),
      );
      await Promise.all([...children, ask().then((id) => expect(id).toBe(task.id))]);
    });
    expect(await ask()).toBe((await agent.current()).id);
  });
});

describe('an end', () => {
  test('may be told by the work itself, with a reason', async () => {
    const id = await agentOf(orchestrator).task({}, async (task) => {
      await task.complete('found it early');
      expect(task.signal.aborted).toBe(true);
      return task.id;
    });
    expect(await row(id)).toMatchObject({ state: 'completed', ended_reason: 'found it early' });
  });

  test('is told once; what follows is refused here already', async () => {
    const task = await agentOf(orchestrator).task();
    expect(await task.fail('could not')).toMatchObject({ state: 'failed' });
    await expect(task.complete()).rejects.toMatchObject({ code: 'task_ended' });
    await expect(task.child({})).rejects.toMatchObject({ code: 'task_ended' });
    expect(await task.revoke()).toBeUndefined();
    expect(await row(task.id)).toMatchObject({ state: 'failed' });
    expect(task.scope).toContain('example:read');
  });

  test('on leaving is a revocation, and one that was revoked by others is no error', async () => {
    const agent = agentOf(orchestrator);
    const kept = await agent.task();
    await using gone = await agent.task();
    await administer(server, 'POST', `/api/tasks/${gone.id}/revoke`, {});
    {
      await using _left = kept;
    }
    expect(await row(kept.id)).toMatchObject({ state: 'revoked', ended_reason: 'disposed of' });
  });
});

describe('a hand-off', () => {
  test('is for the agent that it names, once, and for no API', async () => {
    const task = await agentOf(orchestrator).task({ delegates: [worker.clientId] });
    const handOff = await task.delegate(worker.clientId);
    expect(handOff.expiresAt - Date.now()).toBeLessThanOrEqual(120_000);
    const bearer = { authorization: `Bearer ${handOff.token}`, 'x-task-id': task.id };
    expect((await fetch(protectedUrl(), { headers: bearer })).status).toBe(401);
    await expect(agentOf(orchestrator).accept(handOff)).rejects.toMatchObject({
      taskError: 'actor_not_permitted',
    });
    const sent = JSON.parse(JSON.stringify(handOff)) as HandOff;
    await agentOf(worker).accept(sent, {}, (child) => expect(child.parentId).toBe(task.id));
    await expect(agentOf(worker).accept(sent)).rejects.toMatchObject({ taskError: 'parent_revoked' });
    await expect(task.delegate('agt_stranger')).rejects.toMatchObject({ taskError: 'actor_not_permitted' });
    await task.revoke();
  });

  test('goes on living past its first token', async () => {
    const clock = skippingClock();
    const task = await agentOf(orchestrator).task({ delegates: [worker.clientId] });
    const options = {
      issuer: server.issuer,
      clientId: worker.clientId,
      clientSecret: worker.clientSecret,
      clock,
    };
    const child = await createAgent(options).accept(await task.delegate(worker.clientId));
    const before = await child.accessToken();
    clock.advance(590);
    expect(await child.accessToken()).not.toBe(before);
    expect(await child.complete()).toMatchObject({ state: 'completed' });
  });

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
