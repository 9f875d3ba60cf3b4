import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Answer, postForm, send } from '../support/requests.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, clientCredentials, introspect, open, type OpenTask } from '../support/token-requests.ts';
import { type StallingProxy, startStallingProxy } from './stalling-proxy.ts';

const TIMEOUT_MS = 1000;
/** A request asks several times, one after another, and the machine may be busy. */
const ANSWER_MS = 3 * TIMEOUT_MS;

let database: TestDatabase;
let proxy: StallingProxy;
let server: ServerProcess;
let agent: AgentParty;
let task: OpenTask;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await startStallingProxy(database.url);
  server = await startServerProcess({
    databaseUrl: proxy.url,
    env: {
      RATE_LIMITS: 'off',
      DATABASE_TIMEOUT: String(TIMEOUT_MS),
      DATABASE_POOL_MAX: '4',
      // Node takes hundreds of megabytes before it collects any where much memory is free.
      NODE_OPTIONS: '--max-semi-space-size=8 --max-old-space-size=160',
    },
  });
  agent = await registerAgent(server);
  task = await open(server, agent);
});
afterAll(async () => {
  await server?.stop();
  await proxy?.close();
  await database?.drop();
});

/** Holds the locks of a statement on a connection of its own while the work goes on. */
async function whileLocked<T>(sql: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql);
    return await work();
  } finally {
    await client.end();
  }
}

interface Outcome {
  readonly status: number;
  readonly error: string | undefined;
  readonly retry: string | null;
  readonly ms: number;
}

async function outcomeOf(ask: () => Promise<Answer>): Promise<Outcome> {
  const started = performance.now();
  const { status, body, headers } = await ask();
  return { status, error: body.error, retry: headers.get('retry-after'), ms: performance.now() - started };
}

/** Many clients, each asking again and again for a while. */
async function flood(forMs: number, clients: number, ask: () => Promise<Answer>): Promise<Outcome[]> {
  const end = performance.now() + forMs;
  const outcomes: Outcome[] = [];
  const client = async () => {
    while (performance.now() < end) outcomes.push(await outcomeOf(ask));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return outcomes;
}

const issue = () => clientCredentials(server, agent, pkce().parameters);
const ask = () => postForm(server, '/api/oauth/introspect', { token: task.token }, ADMIN.headers);

function expectTimely503(outcomes: readonly Outcome[]): void {
  const seen = new Set(outcomes.map(({ status, error, retry }) => `${status} ${error} ${retry}`));
  expect([...seen].filter((one) => !/^503 temporarily_unavailable [12]$/.test(one))).toEqual([]);
  expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS);
}

async function worksAgain(): Promise<number> {
  const started = performance.now();
  while ((await issue()).status !== 200) {
    if (performance.now() - started > 10_000) throw new Error('it does not work again');
    await setTimeout(20);
  }
  expect((await introspect(server, ADMIN, task.token)).active).toBe(true);
  return performance.now() - started;
}

/** Resident memory of the server, in MiB. */
function resident(): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

describe('a database that keeps everybody waiting', () => {
  test('turns writers away in time, and takes them again at once', async () => {
    const outcomes = await whileLocked('LOCK TABLE audit_events IN EXCLUSIVE MODE', () =>
      flood(2 * TIMEOUT_MS, 48, issue),
    );
    expectTimely503(outcomes);
    expect(await worksAgain()).toBeLessThan(3000);
  });

  test('turns readers away in time, never answering for the database', async () => {
    const outcomes = await whileLocked('LOCK TABLE tokens, agents IN ACCESS EXCLUSIVE MODE', async () => {
      const flooded = flood(2 * TIMEOUT_MS, 48, ask);
      // In the middle of it.
      await setTimeout(TIMEOUT_MS);
      const live = await outcomeOf(() => send(server, '/health/live'));
      expect(live.status).toBe(200);
      expect(live.ms).toBeLessThan(1000);
      return flooded;
    });
    expectTimely503(outcomes);
    expect(await worksAgain()).toBeLessThan(3000);
  });

  test('commits nothing later that it has refused, beyond what was on its way', async () => {
    const count = async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      const { rows } = await client.query('SELECT count(*)::int AS n FROM tasks');
      await client.end();
      return rows[0].n as number;
    };
    const before = await count();
    const outcomes = await whileLocked('LOCK TABLE audit_events IN EXCLUSIVE MODE', () =>
      flood(2 * TIMEOUT_MS, 200, issue),
    );
    // Those that were asked last may have got through when the lock was gone.
    const committed = outcomes.filter(({ status }) => status === 200).length;
    expect(outcomes.length - committed).toBeGreaterThan(200);
    await setTimeout(TIMEOUT_MS);
    expect((await count()) - before).toBe(committed);
  });
});

describe('a network that goes silent', () => {
  test('is noticed in time, and needs no restart', async () => {
    proxy.stall();
    const outcomes = await flood(2 * TIMEOUT_MS, 24, ask);
    expectTimely503(outcomes);
    expect((await send(server, '/health/ready')).status).toBe(503);
    expect(logEntries(server, 'error.log')).toContainEqual(
      expect.objectContaining({
        message: 'the database does not answer',
        database: `PostgreSQL at ${new URL(proxy.url).host}`,
        error: expect.stringMatching(/\d+ milliseconds/),
      }),
    );
    proxy.heal();
    expect(await worksAgain()).toBeLessThan(5000);
    expect((await send(server, '/health/ready')).status).toBe(200);
  });
});

describe('thousands of refused requests', () => {
  test('leave no memory behind, and few lines in the log', async () => {
    await flood(1500, 64, issue);
    const refuse = () =>
      whileLocked('LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE', () =>
        flood(2 * TIMEOUT_MS, 400, issue),
      );
    const lines = logEntries(server, 'error.log').length;
    await refuse();
    const before = resident();
    let refused = 0;
    // A busy machine takes more rounds.
    for (let round = 1; round <= 3 || refused <= 2000; round += 1) {
      refused += (await refuse()).filter(({ status }) => status === 503).length;
    }
    const grown = resident() - before;
    expect(grown).toBeLessThan(48);
    expect(logEntries(server, 'error.log').length - lines).toBeLessThan(40);
    expect(await worksAgain()).toBeLessThan(3000);
  });
});
