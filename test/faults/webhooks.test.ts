import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { administer, type AgentParty, registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import type { RunningServer } from '../support/server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { open } from '../support/token-requests.ts';
import { type Received, type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import { type NodeProcesses, startNodeProcesses } from './node-processes.ts';

const SETTINGS = {
  webhooks: {
    allowHttp: true,
    allowedNetworks: ['127.0.0.0/8'],
    ports: 'any',
    // A claim that nobody ended is free again after 2 × timeout + 5 s.
    timeout: 1,
    retryPauses: [1, 1, 1, 1, 1, 1],
  },
};
const AGENTS = 6;
const TASKS = 12;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function webhookAt(server: RunningServer, url: string, events: readonly string[]) {
  const { webhook, secret } = await administer(server, 'POST', '/api/webhooks', { url, events });
  return { id: webhook.id as string, secret: secret as string };
}

const taskOf = ({ body }: Received): string => body.data.task_id;
const idOf = ({ headers }: Received): string => String(headers['webhook-id']);

/** The tasks in the order in which the receiver first heard of them. */
function firstHeard(received: readonly Received[]): string[] {
  return [...new Set(received.map(taskOf))];
}

async function pending(server: RunningServer, id: string): Promise<number> {
  return (await administer(server, 'GET', `/api/webhooks/${id}/deliveries?state=pending`)).deliveries.length;
}

describe.each(['the embedded database', 'PostgreSQL'])('a server that is killed, on %s', (kind) => {
  let database: TestDatabase | undefined;
  let server: ServerProcess;
  let agent: AgentParty;
  beforeAll(async () => {
    database = kind === 'PostgreSQL' ? await createDatabase() : undefined;
    server = await startServerProcess({ databaseUrl: database?.url, settings: SETTINGS });
    agent = await registerAgent(server);
  }, 30_000);
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  test('between sending and marking sends the same once more, and goes on in order', async () => {
    const { id, secret } = await webhookAt(server, receiver.url, ['task.opened']);
    // The first request is never answered: the server dies while it waits.
    receiver.answer((_request, response, nth) => {
      if (nth > 1) response.writeHead(204).end();
    });
    const tasks: string[] = [];
    for (let i = 0; i < 3; i += 1) tasks.push((await open(server, agent)).taskId);
    await receiver.until(1);
    expect(await server.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    await server.start();
    await receiver.until(4, () => true, 20_000);
    await setTimeout(300);

    expect(receiver.received.map(taskOf)).toEqual([tasks[0], ...tasks]);
    const [lost, again] = receiver.received;
    expect(idOf(again as Received)).toBe(idOf(lost as Received));
    expect(again?.text).toBe(lost?.text);
    for (const { text, headers, body } of receiver.received) {
      expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(body);
    }
    expect(await pending(server, id)).toBe(0);
    await administer(server, 'DELETE', `/api/webhooks/${id}`);
  }, 60_000);

  test('again and again loses nothing of what it answered, while the receiver fails as well', async () => {
    const { id } = await webhookAt(server, receiver.url, ['task.opened']);
    receiver.answer((_request, response, nth) => void response.writeHead(nth % 25 === 0 ? 500 : 200).end());
    const tasks: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      let over = false;
      const opening = (async () => {
        while (!over) {
          const opened = await open(server, agent).catch(() => undefined);
          if (opened) tasks.push(opened.taskId);
          else break;
        }
      })();
      await setTimeout(150 + 60 * round);
      await server.kill();
      over = true;
      await opening;
      await server.start();
    }
    expect(tasks.length).toBeGreaterThan(10);
    const answered = new Set(tasks);
    for (const late = Date.now() + 90_000; (await pending(server, id)) > 0; await setTimeout(100)) {
      if (Date.now() > late) throw new Error(`${await pending(server, id)} are still pending`);
    }
    const heard = firstHeard(receiver.received);
    expect(tasks.filter((taskId) => !heard.includes(taskId))).toEqual([]);
    // In the order in which the agent was answered.
    expect(heard.filter((taskId) => answered.has(taskId))).toEqual(tasks);
    await administer(server, 'DELETE', `/api/webhooks/${id}`);
  }, 150_000);
});

describe('two servers on one PostgreSQL', () => {
  let nodes: NodeProcesses;
  let agents: readonly AgentParty[];
  beforeAll(async () => {
    nodes = await startNodeProcesses(2, { settings: SETTINGS });
    agents = await Promise.all(Array.from({ length: AGENTS }, () => registerAgent(nodes.front)));
  }, 60_000);
  afterAll(() => nodes?.stop());

  test('deliver each event once, those of each agent one after the other, agents side by side', async () => {
    const { id } = await webhookAt(nodes.front, receiver.url, ['task.opened']);
    const open1 = new Map<string, number>();
    const overlaps: string[] = [];
    receiver.answer(({ body }, response) => {
      const agentId = body.data.agent_id as string;
      const count = (open1.get(agentId) ?? 0) + 1;
      open1.set(agentId, count);
      if (count > 1) overlaps.push(agentId);
      void setTimeout(15).then(() => {
        open1.set(agentId, (open1.get(agentId) ?? 0) - 1);
        response.writeHead(204).end();
      });
    });
    const opened = await Promise.all(
      agents.map(async (agent) => {
        const tasks: string[] = [];
        for (let i = 0; i < TASKS; i += 1) tasks.push((await open(nodes.front, agent)).taskId);
        return { agent, tasks };
      }),
    );
    await receiver.until(AGENTS * TASKS, () => true, 30_000);
    await setTimeout(500);
    expect(receiver.received).toHaveLength(AGENTS * TASKS);
    for (const { agent, tasks } of opened) {
      const heard = receiver.received.filter(({ body }) => body.data.agent_id === agent.clientId);
      expect(heard.map(taskOf)).toEqual(tasks);
    }
    expect(overlaps).toEqual([]);
    expect(receiver.mostAtOnce()).toBeGreaterThan(1);
    // Four to one host at the same time, each of them.
    expect(receiver.mostAtOnce()).toBeLessThanOrEqual(8);
    expect(await pending(nodes.front, id)).toBe(0);
    await administer(nodes.front, 'DELETE', `/api/webhooks/${id}`);
  }, 60_000);

  test('one goes on with what the other had begun when it was killed', async () => {
    await webhookAt(nodes.front, receiver.url, ['task.opened']);
    const [agent] = agents as [AgentParty];
    const [first, second] = nodes.processes as [ServerProcess, ServerProcess];
    receiver.answer((_request, response, nth) => {
      if (nth > 1) response.writeHead(204).end();
    });
    const [one] = nodes.each as [RunningServer];
    const tasks = [(await open(one, agent)).taskId, (await open(one, agent)).taskId];
    await receiver.until(1);
    await first.kill();
    nodes.balancer.to([second.address]);
    await receiver.until(3, () => true, 20_000);
    expect(receiver.received.map(taskOf)).toEqual([tasks[0], ...tasks]);
    expect(idOf(receiver.received[1] as Received)).toBe(idOf(receiver.received[0] as Received));
    await first.start();
  }, 60_000);
});
