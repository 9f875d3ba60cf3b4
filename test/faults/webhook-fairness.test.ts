import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { withToken } from '../support/agent-auth.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import type { RunningServer } from '../support/server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { open } from '../support/token-requests.ts';
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import { type Ask, webhookAt } from '../support/webhook-requests.ts';
import { type NodeProcesses, startNodeProcesses } from './node-processes.ts';

const SETTINGS = {
  webhooks: { allowHttp: true, allowedNetworks: ['127.0.0.0/8'], ports: 'any', timeout: 4 },
};
/** Each agent within its limit, and together more than there are places. */
const WEBHOOKS = 10;
const SLOW_MS = 3500;
/** Far less than what is slow takes, and more than a busy machine does. */
const SOON_MS = 2500;

const KINDS = ['the embedded database', 'PostgreSQL', 'two servers on PostgreSQL'] as const;
type Kind = (typeof KINDS)[number];
let database: TestDatabase;
let nodes: NodeProcesses;
const servers = new Map<Kind, RunningServer>();
const processes: ServerProcess[] = [];

beforeAll(async () => {
  database = await createDatabase();
  const start = async (kind: Kind, databaseUrl?: string) => {
    const server = await startServerProcess({ databaseUrl, settings: SETTINGS });
    processes.push(server);
    servers.set(kind, server);
  };
  await start('the embedded database');
  await start('PostgreSQL', database.url);
  nodes = await startNodeProcesses(2, { settings: SETTINGS });
  servers.set('two servers on PostgreSQL', nodes.front);
});
afterAll(async () => {
  await Promise.all([nodes?.stop(), ...processes.map((one) => one.stop())]);
  await database?.drop();
});

function serverOn(kind: Kind): RunningServer {
  const server = servers.get(kind);
  if (!server) throw new Error(`no server was started on ${kind}`);
  return server;
}

interface Party {
  readonly agent: AgentParty;
  readonly ask: Ask;
}

async function aParty(server: RunningServer): Promise<Party> {
  const agent = await registerAgent(server);
  const { token } = await open(server, agent);
  return { agent, ask: (method, path, body) => withToken(server, token, method, path, body) };
}

/** An agent with as many webhooks as it may have, each at another address. */
async function crowd(server: RunningServer, port: string, nth: number): Promise<Party> {
  const party = await aParty(server);
  for (let i = 1; i <= WEBHOOKS; i += 1) {
    await webhookAt(party.ask, `http://127.0.${nth}.${i}:${port}/slow`, ['task.opened']);
  }
  return party;
}

/** How long after it opened a task an agent hears of it. */
async function hearsAfter(server: RunningServer, { agent }: Party, receiver: Receiver): Promise<number> {
  const began = performance.now();
  const { taskId } = await open(server, agent);
  await receiver.until(1, ({ body }) => body.data.task_id === taskId, 30_000);
  return performance.now() - began;
}

describe('an agent whose receiver answers at once', () => {
  test.each(KINDS)(
    'on %s, is told at once while the receivers of other agents take as long as they may',
    async (kind) => {
      const server = serverOn(kind);
      const [slow, quick] = [await startReceiver('0.0.0.0'), await startReceiver()];
      try {
        let busy = 0;
        slow.answer((_request, response) => {
          busy += 1;
          void setTimeout(SLOW_MS, undefined, { ref: false }).then(() => response.writeHead(204).end());
        });
        const { port } = new URL(slow.url);
        const crowds: Party[] = [];
        const many = kind === 'two servers on PostgreSQL' ? 8 : 4;
        for (let nth = 1; nth <= many; nth += 1) crowds.push(await crowd(server, port, nth));
        const victim = await aParty(server);
        await webhookAt(victim.ask, quick.url, ['task.opened']);
        // Each of their webhooks has much to hear, and all of it is older than what the victim has to hear.
        for (let i = 0; i < 8; i += 1) await Promise.all(crowds.map(({ agent }) => open(server, agent)));
        for (let i = 0; busy < 30 && i < 1000; i += 1) await setTimeout(10);
        const took: number[] = [];
        for (let i = 0; i < 5; i += 1) {
          took.push(await hearsAfter(server, victim, quick));
          await setTimeout(300);
        }
        expect(Math.max(...took)).toBeLessThan(SOON_MS);
        // The others go on, too.
        await slow.until(many * WEBHOOKS, () => true, 30_000);
      } finally {
        await Promise.all([slow.close(), quick.close()]);
      }
    },
    90_000,
  );
});
