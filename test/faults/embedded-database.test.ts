import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { administer, type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { send } from '../support/requests.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { ADMIN, clientCredentials, introspect, open, type OpenTask } from '../support/token-requests.ts';
import { startReceiver } from '../support/webhook-receiver.ts';

/** A third of it is how long a writer waits for a lock: several times what the short wait below takes. */
const TIMEOUT_MS = 2000;

const WEBHOOKS = { allowHttp: true, allowedNetworks: ['127.0.0.0/8'], ports: 'any', timeout: 5 };

let server: ServerProcess;
let agent: AgentParty;
let task: OpenTask;
let other: Database.Database;

beforeAll(async () => {
  server = await startServerProcess({
    env: { RATE_LIMITS: 'off', DATABASE_TIMEOUT: String(TIMEOUT_MS) },
    settings: { webhooks: WEBHOOKS },
  });
  agent = await registerAgent(server);
  task = await open(server, agent);
  other = new Database(join(server.dataDir, 'taskgrant.db'), { timeout: 5000 });
});
afterAll(async () => {
  other?.close();
  await server?.stop();
});

async function issue() {
  const started = performance.now();
  const { status, body, headers } = await clientCredentials(server, agent, pkce().parameters);
  return { status, error: body.error, retry: headers.get('retry-after'), ms: performance.now() - started };
}

async function worksAgain(): Promise<void> {
  const late = performance.now() + 10_000;
  while ((await issue()).status !== 200) {
    if (performance.now() > late) throw new Error('it does not work again');
    await setTimeout(20);
  }
  expect((await introspect(server, ADMIN, task.token)).active).toBe(true);
}

const tasks = () => other.prepare('SELECT count(*) AS n FROM tasks').get() as { n: number };

describe('an embedded database that another process has locked', () => {
  test('makes writers wait for a short while, and nobody else', async () => {
    other.exec('BEGIN IMMEDIATE');
    const waiting = Array.from({ length: 20 }, issue);
    await setTimeout(100);
    const started = performance.now();
    expect((await send(server, '/health/live')).status).toBe(200);
    expect((await send(server, '/health/ready')).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(1000);
    other.exec('COMMIT');
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(waiting.map(() => 200));
  });

  test('turns writers away in time when it stays locked, and forgets what it refused', async () => {
    const before = tasks().n;
    other.exec('BEGIN IMMEDIATE');
    const answers = await Promise.all(Array.from({ length: 40 }, issue));
    const late = await Promise.all(Array.from({ length: 10 }, issue));
    other.exec('COMMIT');
    for (const { status, error, retry, ms } of [...answers, ...late]) {
      expect([status, error, retry]).toEqual([503, 'temporarily_unavailable', '2']);
      expect(ms).toBeLessThan(2 * TIMEOUT_MS + 1000);
    }
    await setTimeout(TIMEOUT_MS);
    expect(tasks().n).toBe(before);
    await worksAgain();
  });
});

/** Whether somebody holds a lock on a file, as Linux lists them: … `<device>:<inode> <from> <to>`. */
function isLocked(file: string): boolean {
  return readFileSync('/proc/locks', 'utf8').includes(`:${statSync(file).ino} `);
}

const onLinux = process.platform === 'linux' ? test : test.skip;

describe('an embedded database that a server has open', () => {
  onLinux('is locked by it: the next one to close it would take its log from under it', async () => {
    other.close();
    await worksAgain();
    expect(isLocked(join(server.dataDir, 'taskgrant.db'))).toBe(true);
    expect(isLocked(join(server.dataDir, 'server.lock'))).toBe(true);
  });

  test('is refused to another one, which does not send again what the first is sending', async () => {
    const receiver = await startReceiver();
    const about = { url: receiver.url, events: ['task.opened'] };
    const { webhook } = await administer(server, 'POST', '/api/webhooks', about);
    receiver.answer((_request, response) => {
      void setTimeout(3000).then(() => response.writeHead(204).end());
    });
    await open(server, agent);
    await receiver.until(1);
    const another = await startServerProcess({
      env: { DATA_DIR: server.dataDir },
      settings: { webhooks: WEBHOOKS },
    }).then(
      (started) => started.stop().then(() => 'started'),
      (error: unknown) => String(error),
    );
    expect(another).toContain('another server uses the embedded database');
    expect(receiver.received).toHaveLength(1);
    await worksAgain();
    await administer(server, 'DELETE', `/api/webhooks/${webhook.id}`);
    await receiver.close();
  });

  test('is free again when that one was killed', async () => {
    await server.kill();
    await server.start();
    await worksAgain();
  });
});
