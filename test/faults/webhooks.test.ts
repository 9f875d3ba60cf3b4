import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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

const KINDS = ['the embedded database', 'PostgreSQL'] as const;
type Kind = (typeof KINDS)[number];
let database: TestDatabase;
const servers = new Map<Kind, { server: ServerProcess; agent: AgentParty }>();
let nodes: NodeProcesses;
let agents: readonly AgentParty[];

beforeAll(async () => {
  database = await createDatabase();
  const start = async (kind: Kind) => {
    const databaseUrl = kind === 'PostgreSQL' ? database.url : undefined;
    const server = await startServerProcess({ databaseUrl, settings: SETTINGS });
    servers.set(kind, { server, agent: await registerAgent(server) });
  };
  const startBoth = async () => {
    nodes = await startNodeProcesses(2, { settings: SETTINGS });
    agents = await Promise.all(Array.from({ length: AGENTS }, () => registerAgent(nodes.front)));
  };
  await Promise.all([...KINDS.map(start), startBoth()]);
});
afterAll(async () => {
  await Promise.all([nodes?.stop(), ...[...servers.values()].map(({ server }) => server.stop())]);
  await database?.drop();
});

function partiesOf(kind: Kind) {
  const parties = servers.get(kind);
  if (!parties) throw new Error(`no server was started on ${kind}`);
  return parties;
}

/** A story with a receiver of its own. */
const told = (tell: (receiver: Receiver) => Promise<void>) => async () => {
  const receiver = await startReceiver();
  await tell(receiver).finally(() => receiver.close());
};

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

describe('deliveries under load', () => {
  test.each(KINDS)(
    'on %s, a server that is killed again and again loses nothing of what it answered, while the receiver fails as well',
    (kind) =>
      told(async (receiver) => {
        const { server, agent } = partiesOf(kind);
        const { id } = await webhookAt(server, receiver.url, ['task.opened']);
        receiver.answer(
          (_request, response, nth) => void response.writeHead(nth % 25 === 0 ? 500 : 200).end(),
        );
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
          const before = tasks.length;
          await setTimeout(150 + 60 * round);
          // A busy machine needs longer for enough of them.
          for (let i = 0; tasks.length < before + 6 && i < 1000; i += 1) await setTimeout(5);
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
      })(),
    150_000,
  );

  test(
    'two servers deliver each event once, those of each agent one after the other, agents side by side',
    told(async (receiver) => {
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
    }),
  );
});

/** They wait until what was claimed is free again, side by side: each has servers of its own. */
describe('deliveries that were begun', () => {
  test.concurrent.each(KINDS)(
    'on %s, a server that is killed between sending and marking sends the same once more, and goes on in order',
    (kind) =>
      told(async (receiver) => {
        const { server, agent } = partiesOf(kind);
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
      })(),
    60_000,
  );

  test.concurrent(
    'one of two servers goes on with what the other had begun when it was killed',
    told(async (receiver) => {
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
    }),
  );
});
