import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { removeExpired } from '../../src/app/remove-expired.ts';
import { caughtUp, type FeedFollower, type FeedRow, followFeed, rowFor } from '../support/feed-follower.ts';
import {
  type AgentParty,
  adminToken,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { bearer, send } from '../support/requests.ts';
import { type RunningServer, startServer, type TestServer } from '../support/server.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { open, type OpenTask } from '../support/token-requests.ts';
import { type NodeProcesses, startNodeProcesses } from './node-processes.ts';

const NO_LIMITS = { RATE_LIMITS: 'off' };
const followers: FeedFollower[] = [];
afterEach(async () => {
  await Promise.all(followers.splice(0).map((follower) => follower.close()));
});

async function follow(server: RunningServer, api: ResourceServerParty, after = 0): Promise<FeedFollower> {
  const follower = await followFeed(server, { ...api.headers, 'last-event-id': String(after) });
  followers.push(follower);
  expect(follower.status).toBe(200);
  return follower;
}

const handleOf = (task: OpenTask): string => task.body.task.handle;

async function end(server: RunningServer, task: OpenTask): Promise<string> {
  const headers = { ...bearer(await adminToken(server)), 'content-type': 'application/json' };
  const path = `/api/tasks/${task.taskId}/revoke`;
  const { status } = await send({ issuer: server.address }, path, { method: 'POST', headers, body: '{}' });
  expect(status).toBe(200);
  return handleOf(task);
}

async function openMany(server: RunningServer, agent: AgentParty, count: number): Promise<OpenTask[]> {
  return Promise.all(Array.from({ length: count }, () => open(server, agent)));
}

async function ledgerOf(server: RunningServer, api: ResourceServerParty): Promise<readonly FeedRow[]> {
  const { body } = await send(server, '/api/revocations?limit=10000', { headers: api.headers });
  return body.revocations;
}

const seqs = (rows: readonly FeedRow[]): number[] => rows.map(([seq]) => seq);

describe('two servers on one PostgreSQL', () => {
  let nodes: NodeProcesses;
  let api: ResourceServerParty;
  let agent: AgentParty;

  beforeAll(async () => {
    nodes = await startNodeProcesses(2, { env: NO_LIMITS });
    api = await registerResourceServer(nodes.front);
    agent = await registerAgent(nodes.front);
  });
  afterAll(() => nodes?.stop());

  test('what one of them revokes is known at the followers of the other, soon', async () => {
    const [a, b] = nodes.each as [RunningServer, RunningServer];
    const three = [await follow(b, api), await follow(b, api), await follow(b, api)];
    const tasks = await openMany(a, agent, 20);
    await Promise.all(three.map((follower) => follower.until(caughtUp)));
    const late: number[] = [];
    for (const task of tasks) {
      const handle = await end(a, task);
      const answered = performance.now();
      for (const follower of three) {
        await follower.until(rowFor(handle));
        const message = follower.messages.findLast(({ event }) => event === 'revocations');
        late.push((message?.at ?? Infinity) - answered);
      }
    }
    const slowest = late.toSorted((x, y) => y - x)[1] ?? Infinity;
    expect(slowest).toBeLessThan(1000);
  });

  test('followers of both have the same, in the same order, whichever revoked it', async () => {
    const [a, b] = nodes.each as [RunningServer, RunningServer];
    const both = [await follow(a, api), await follow(b, api)];
    const tasks = await openMany(nodes.front, agent, 60);
    const handles = await Promise.all(tasks.map((task, i) => end(i % 2 === 0 ? a : b, task)));
    for (const follower of both) {
      await follower.until(() => (handles.every((one) => rowFor(one)(follower)) ? true : undefined));
    }
    const all = await ledgerOf(a, api);
    for (const follower of both) {
      expect(follower.rows()).toEqual(all);
      expect(seqs(follower.rows())).toEqual(seqs(all).toSorted((x, y) => x - y));
    }
  });

  test('who is cut again and again, and goes on at the other one, misses nothing and gets nothing twice', async () => {
    const tasks = await openMany(nodes.front, agent, 60);
    let done = false;
    const revoking = (async () => {
      for (const task of tasks) await end(nodes.front, task);
      done = true;
    })();
    const known: FeedRow[] = [];
    let cuts = 0;
    for (let last = 0, finished = false; !finished; cuts += 1) {
      finished = done;
      const node = nodes.each[cuts % 2] as RunningServer;
      const follower = await follow(node, api, last);
      await follower.until(caughtUp);
      await setTimeout(40);
      // In the middle of whatever is being sent.
      await follower.close();
      known.push(...follower.rows());
      last = known.at(-1)?.[0] ?? 0;
    }
    await revoking;
    expect(cuts).toBeGreaterThan(3);
    expect(known).toEqual(await ledgerOf(nodes.front, api));
  });
});

describe('a server with two workers', () => {
  let database: TestDatabase;
  afterAll(() => database?.drop());

  test('tells the followers of each, and lets them go when it ends', async () => {
    database = await createDatabase();
    const server = await startServerProcess({
      databaseUrl: database.url,
      args: ['--workers', '2'],
      env: { ...NO_LIMITS, DRAIN_TIMEOUT: '20' },
    });
    let stopped = false;
    try {
      const api = await registerResourceServer(server);
      const agent = await registerAgent(server);
      const four = await Promise.all([1, 2, 3, 4].map(() => follow(server, api)));
      const handles = await Promise.all((await openMany(server, agent, 6)).map((task) => end(server, task)));
      for (const follower of four) for (const one of handles) await follower.until(rowFor(one));
      const waiting = send(server, `/api/revocations?after=${four[0]?.lastId()}&wait=25`, {
        headers: api.headers,
      });
      const began = performance.now();
      server.signal('SIGTERM');
      expect(await Promise.all(four.map(({ over }) => over))).toEqual(['end', 'end', 'end', 'end']);
      // Whoever waits gets an answer, too.
      expect((await waiting).status).toBe(200);
      expect(await server.exited()).toEqual({ code: 0, signal: null });
      stopped = true;
      // Nobody waited for the streams.
      expect(performance.now() - began).toBeLessThan(10_000);
    } finally {
      if (!stopped) await server.kill();
      await server.stop();
    }
  });
});

describe('a server and its database', () => {
  let postgres: PostgresServer;
  let server: ServerProcess;

  beforeAll(async () => {
    postgres = await startPostgres();
    const env = { ...NO_LIMITS, DATABASE_TIMEOUT: '1500' };
    server = await startServerProcess({ databaseUrl: postgres.url, env });
  });
  afterAll(async () => {
    await server?.stop();
    await postgres?.stop();
  });

  test('while the database is away followers hear nothing, stay connected, and are told everything later', async () => {
    const api = await registerResourceServer(server);
    const agent = await registerAgent(server);
    const tasks = await openMany(server, agent, 4);
    const follower = await follow(server, api);
    await end(server, tasks[0] as OpenTask);
    await follower.until(({ heads }) => (heads().length > 2 ? true : undefined));
    await postgres.halt('SIGINT');
    await setTimeout(300);
    const before = follower.messages.length;
    // Silence means that what is known is out of date.
    await setTimeout(1500);
    expect(follower.messages.length).toBe(before);
    expect((await send(server, '/api/revocations', { headers: api.headers })).status).toBe(503);
    await postgres.resume();
    await follower.until(({ messages }) => (messages.length > before ? true : undefined), 10_000);
    const handles = [];
    for (const task of tasks.slice(1)) handles.push(await end(server, task));
    await follower.until(rowFor(handles.at(-1) ?? ''));
    expect(follower.rows()).toEqual(await ledgerOf(server, api));
  });

  test('killed and started again, the server tells what was missed, and nothing twice', async () => {
    const api = await registerResourceServer(server);
    const agent = await registerAgent(server);
    const tasks = await openMany(server, agent, 12);
    const first = await follow(server, api);
    for (const task of tasks.slice(0, 5)) await end(server, task);
    await first.until(rowFor(handleOf(tasks[4] as OpenTask)));
    await first.close();
    // Revoked and answered while nobody is told any more.
    const acknowledged = await Promise.all(tasks.slice(5).map((task) => end(server, task)));
    await server.kill();
    await server.start();
    const second = await follow(server, api, first.lastId());
    await second.until(caughtUp);
    const known = [...first.rows(), ...second.rows()];
    expect(known).toEqual(await ledgerOf(server, api));
    expect(
      second
        .rows()
        .map(([, , handle]) => handle)
        .toSorted(),
    ).toEqual(acknowledged.toSorted());
    // A follower that is connected when it dies is cut, so that it knows.
    await server.kill();
    expect(await second.over).toBe('cut');
  });
});

describe('a follower that was away for longer than rows are kept', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  test('lacks only rows of what has expired meanwhile', async () => {
    const api = await registerResourceServer(server);
    const agent = await registerAgent(server);
    const [short, long] = [
      await open(server, agent, { task_expires_in: 3600 }),
      await open(server, agent, { task_expires_in: 864_000 }),
    ];
    const before = await follow(server, api);
    await before.until(caughtUp);
    await before.close();
    await end(server, short);
    await end(server, long);
    server.clock.advance(3 * 3600);
    const { clock, taskgrant } = server;
    const retention = { auditDays: 1, tasksDays: 1, tokensDays: 1, webhooksDays: 1 };
    await removeExpired({ clock, cleanup: taskgrant.store.cleanup, retention });

    const after = await follow(server, api, before.lastId());
    await after.until(caughtUp);
    const handles = after.rows().map(([, , handle]) => handle);
    expect(handles).toEqual([handleOf(long)]);
    // No token of the other can be accepted any more, so its row is not missed.
    const { exp = Infinity, task } = decodeJwt(short.token) as { exp?: number; task: { expires_at: number } };
    expect(Math.max(exp, task.expires_at) * 1000).toBeLessThan(clock.now());
  });
});
