import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { DatabaseSettings } from '../../src/store/database.ts';
import type { Answer } from '../support/requests.ts';
import { createDatabase } from '../support/postgres.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server.ts';

/** How many rivals start at once. */
export const RIVALS = 64;

/**
 * One server on the embedded database, or two on one PostgreSQL. The one that answers in front hands each request to
 * the next of them, as a load balancer does.
 */
export interface Nodes {
  readonly front: TestServer;
  readonly each: readonly TestServer[];
  /** Where their data are. */
  readonly database: DatabaseSettings;
  stop(): Promise<void>;
}

type NodesOptions = Pick<ServerOptions, 'env' | 'settings' | 'fetch'>;

export async function startNodes(kind: 'SQLite' | 'PostgreSQL', options: NodesOptions = {}): Promise<Nodes> {
  const balancer = createServer();
  await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
  const database = kind === 'PostgreSQL' ? await createDatabase() : undefined;
  const env = {
    ISSUER: issuer,
    RATE_LIMITS: 'off',
    ENCRYPTION_KEY: randomBytes(32).toString('base64url'),
    ...(database ? { DATABASE_URL: database.url } : {}),
    ...options.env,
  };
  const each: TestServer[] = [];
  for (let i = 0; i < (database ? 2 : 1); i += 1) each.push(await startServer({ ...options, env }));
  const handlers = each.map(({ taskgrant }) => taskgrant.app.callback());
  let turn = 0;
  balancer.on('request', (request, response) => {
    turn += 1;
    void handlers[turn % handlers.length]?.(request, response);
  });
  const [first] = each;
  if (!first) throw new Error('no server was started');
  return {
    front: { ...first, address: issuer, clock: together(each) },
    database: { databaseUrl: database?.url, dataDir: join(dirname(first.logDir), 'data'), poolMax: 2 },
    each: each.map((node) => ({ ...node, issuer: node.address })),
    async stop() {
      balancer.closeAllConnections();
      await new Promise((resolve) => balancer.close(resolve));
      for (const node of each) await node.stop();
      await database?.drop();
    },
  };
}

function together(nodes: readonly TestServer[]): TestServer['clock'] {
  return {
    now: () => Math.max(...nodes.map(({ clock }) => clock.now())),
    advance: (seconds) => {
      for (const { clock } of nodes) clock.advance(seconds);
    },
  };
}

/** Runs the stories on the embedded database, and on PostgreSQL behind two servers. */
export function onEveryDatabase(
  name: string,
  stories: (nodes: () => Nodes) => void,
  options: NodesOptions = {},
): void {
  for (const kind of ['SQLite', 'PostgreSQL'] as const) {
    describe(`${name} (${kind === 'SQLite' ? 'SQLite' : 'PostgreSQL, two servers'})`, () => {
      let nodes: Nodes | undefined;
      beforeAll(async () => {
        nodes = await startNodes(kind, options);
      }, 60_000);
      afterAll(() => nodes?.stop());
      stories(() => {
        if (!nodes) throw new Error('the servers have not started');
        return nodes;
      });
    });
  }
}

/** The answers of requests that were all sent at once. */
export function atOnce(send: (rival: number) => Promise<Answer>, count = RIVALS): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, rival) => send(rival)));
}

/** How often each outcome occurred: the status, with the error where there is one. */
export function tally(
  answers: readonly Answer[],
  reason: 'error' | 'task_error' = 'error',
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const outcome = body[reason] === undefined ? `${status}` : `${status} ${body[reason]}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** The first answer that succeeded. @throws Error when none did. */
export function winner(answers: readonly Answer[]): Answer {
  const found = answers.find(({ status }) => status < 300);
  if (!found) throw new Error(`nobody succeeded: ${JSON.stringify(tally(answers))}`);
  return found;
}
