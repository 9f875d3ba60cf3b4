import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { afterDeath } from '../../src/workers/restart-policy.ts';
import { type AgentParty, registerAgent } from '../support/parties.ts';
import { freePort } from '../support/free-port.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { send } from '../support/requests.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, introspect, open } from '../support/token-requests.ts';

const WITHIN_MS = 15_000;

async function eventually<T>(ask: () => T | Promise<T>, right: (answer: T) => boolean): Promise<T> {
  for (const late = Date.now() + WITHIN_MS; ; await setTimeout(50)) {
    const answer = await ask();
    if (right(answer)) return answer;
    if (Date.now() > late) throw new Error(`still ${JSON.stringify(answer)}`);
  }
}

const lines = (process: ServerProcess, message: string) =>
  logEntries(process, 'app.log').filter((entry) => entry['message'] === message);

/** By worker number, the process that listens now. */
function pids(process: ServerProcess): Map<number, number> {
  const listening = lines(process, 'worker listening');
  return new Map(listening.map(({ worker, pid }) => [worker as number, pid as number]));
}

const alive = (pid: number): boolean => {
  try {
    return globalThis.process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('two workers behind one port', () => {
  let database: TestDatabase;
  let server: ServerProcess;
  let agent: AgentParty;

  beforeAll(async () => {
    database = await createDatabase('nothing');
    const env = { ADMIN_EMAIL: '', ADMIN_PASSWORD: '' };
    // The flag wins.
    const args = ['--workers', '2'];
    server = await startServerProcess({ databaseUrl: database.url, env: { ...env, WORKERS: '3' }, args });
    await eventually(
      () => pids(server).size,
      (size) => size === 2,
    );
    agent = await registerAgent(server);
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  test('the secrets of the first start are printed once, when all of them listen', async () => {
    await eventually(
      () => server.output(),
      (output) => output.includes('Try next'),
    );
    expect(server.output().match(/^ {2}password/gm)).toHaveLength(1);
    expect(server.output().match(/Taskgrant is listening/g)).toHaveLength(1);
  });

  test('each answers, and what one issued all accept', async () => {
    const tokens = await Promise.all(Array.from({ length: 12 }, () => open(server, agent)));
    for (const { token } of tokens) {
      expect(await introspect(server, ADMIN, token)).toMatchObject({ active: true });
    }
    const idle = [1, 2].filter((n) => logEntries(logsOf(server, n), 'app.log').every(isNoRequest));
    expect(idle).toEqual([]);
  });

  test('each writes log files of its own; the primary answers nothing', async () => {
    const own = readdirSync(server.logDir).filter((name) => name.startsWith('worker-'));
    expect(own.toSorted()).toEqual(['worker-1', 'worker-2']);
    for (const name of own) expect(existsSync(join(server.logDir, name, 'security.log'))).toBe(true);
    expect(logEntries(server, 'app.log').every(isNoRequest)).toBe(true);
  });

  test('the database is connected to by the workers alone', async () => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query(
      'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database()',
    );
    await client.end();
    expect(rows[0].count).toBeLessThanOrEqual(2 * 10 + 1);
  });

  test('one that is killed is replaced under its number, while the other answers', async () => {
    const before = pids(server);
    const victim = before.get(2) ?? 0;
    process.kill(victim, 'SIGKILL');
    await eventually(
      () => pids(server).get(2),
      (pid) => pid !== victim,
    );
    expect(pids(server).get(1)).toBe(before.get(1));
    const [died] = lines(server, 'worker died');
    expect(died).toMatchObject({ level: 'error', worker: 2, pid: victim, signal: 'SIGKILL' });
    for (let i = 0; i < 6; i += 1) expect((await send(server, '/health/ready')).status).toBe(200);
    expect(readdirSync(server.logDir).filter((name) => name.startsWith('worker-'))).toHaveLength(2);
  });

  test('one that is told to end by itself drains, and is replaced', async () => {
    const victim = pids(server).get(1) ?? 0;
    process.kill(victim, 'SIGTERM');
    await eventually(
      () => pids(server).get(1),
      (pid) => pid !== victim,
    );
    expect(lines(server, 'worker died').at(-1)).toMatchObject({ worker: 1, exit_code: 0 });
    expect(logEntries(logsOf(server, 1), 'app.log').map(({ message }) => message)).toContain('drained');
  });

  test('all end when a terminal signals the primary and them, each once', async () => {
    const workers = [...pids(server).values()];
    for (const pid of [server.pid ?? 0, ...workers]) process.kill(pid, 'SIGINT');
    expect(await server.exited()).toEqual({ code: 0, signal: null });
    expect(workers.filter(alive)).toEqual([]);
  });

  test('none outlives a primary that is killed', async () => {
    await server.start();
    const workers = await eventually(
      () => lines(server, 'worker listening').slice(-2),
      (listening) => listening.every(({ pid }) => alive(pid as number)),
    );
    expect(await server.kill()).toMatchObject({ signal: 'SIGKILL' });
    const left = await eventually(
      () => workers.filter(({ pid }) => alive(pid as number)),
      (living) => living.length === 0,
    );
    expect(left).toEqual([]);
  });
});

function logsOf(server: ServerProcess, worker: number): Pick<ServerProcess, 'logDir'> {
  return { logDir: join(server.logDir, `worker-${worker}`) };
}

const isNoRequest = ({ message }: Record<string, unknown>): boolean => message !== 'request';

describe('a start that cannot work', () => {
  let taken: Server | undefined;
  let database: TestDatabase | undefined;
  afterEach(async () => {
    taken?.close();
    await database?.drop();
    database = undefined;
  });

  test.each([
    [['--workers', '2'], 'workers (WORKERS) must be 1 on the embedded database, got 2'],
    [['--worker', '2'], "Unknown option '--worker'"],
    [['--workers', 'many'], '--workers takes a whole number, got "many"'],
    [['--workers', '0'], 'workers (WORKERS) must be a whole number from 1 to 64'],
    [['serve'], "Unexpected argument 'serve'"],
  ])('%j is refused, before anything is opened', async (args, says) => {
    const home = join(tmpdir(), `taskgrant-untouched-${randomUUID()}`);
    const env = { DATA_DIR: join(home, 'data'), LOG_DIR: join(home, 'logs') };
    await expect(startServerProcess({ args, env })).rejects.toThrow(says);
    expect(existsSync(home)).toBe(false);
  });

  test('gives up when the workers keep dying right after their start, and says why', async () => {
    const port = await freePort();
    taken = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    database = await createDatabase();
    const env = { ADMIN_EMAIL: '', ADMIN_PASSWORD: '' };
    const start = startServerProcess({ port, env, databaseUrl: database.url, args: ['--workers', '2'] });
    const failed = await start.catch((error: Error) => error.message);
    expect(failed).toContain('Workers keep dying right after their start');
    expect(failed).toContain('EADDRINUSE');
    // Made once and lost otherwise.
    expect(failed).toMatch(/^ {2}password/m);
  });
});

describe('a worker that died', () => {
  const everUp = true;
  test.each([
    ['after it had worked for a while is replaced at once', { early: 0, othersWork: false, everUp }, 0],
    ['early is replaced a little later', { early: 1, othersWork: false, everUp }, 200],
    ['early again and again, later and later', { early: 4, othersWork: false, everUp }, 1600],
    [
      'early five times, with no other at work, is given up',
      { early: 5, othersWork: false, everUp },
      'give up',
    ],
    [
      'early twice in a start that has never worked is given up',
      { early: 2, othersWork: false, everUp: false },
      'give up',
    ],
    [
      'early five times while others work is replaced all the same',
      { early: 5, othersWork: true, everUp },
      3200,
    ],
    ['early for a whole night is tried twice a minute', { early: 1000, othersWork: true, everUp }, 30_000],
  ] as const)('%s', (_, death, next) => {
    expect(afterDeath(death)).toBe(next);
  });
});
