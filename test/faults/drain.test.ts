import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { drainingServer } from '../../src/process/draining-server.ts';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { formOf, send } from '../support/requests.ts';
import {
  logEntries,
  type ProcessOptions,
  type ServerProcess,
  startServerProcess,
} from '../support/server-process.ts';
import { ADMIN, introspect, TOKEN_PATH } from '../support/token-requests.ts';
import { startClients } from './keep-alive-clients.ts';
import { connectRaw, rawPost } from './raw-connection.ts';

/** Longer than a server to which nobody connects goes on accepting. */
const AFTER_THE_SIGNAL_MS = 400;
const CLIENTS = 48;

let server: ServerProcess | undefined;
let database: TestDatabase | undefined;
afterEach(async () => {
  await server?.kill();
  await server?.stop();
  await database?.drop();
  server = undefined;
  database = undefined;
});

interface Options extends ProcessOptions {
  readonly postgres?: boolean;
}

async function start({ postgres = false, ...options }: Options = {}): Promise<ServerProcess> {
  database = postgres ? await createDatabase() : undefined;
  server = await startServerProcess({ ...options, databaseUrl: database?.url });
  return server;
}

function tokenRequest(agent: AgentParty) {
  const form = formOf({ grant_type: 'client_credentials', ...pkce().parameters });
  return rawPost(TOKEN_PATH, agent.headers, form);
}

const tokenIn = (body = '{}'): string => JSON.parse(body).access_token;

/** Of these ids, the ones that the database does not hold as live tokens. */
async function missing(running: ServerProcess, tokenIds: readonly string[]): Promise<string[]> {
  const sql = 'SELECT token_id FROM tokens WHERE revoked_at IS NULL';
  const stored = new Set(database ? await idsInPostgres(database.url, sql) : idsInSqlite(running, sql));
  return tokenIds.filter((id) => !stored.has(id));
}

type TokenRow = { token_id: string };

async function idsInPostgres(connectionString: string, sql: string): Promise<string[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<TokenRow>(sql);
  await client.end();
  return rows.map((row) => row.token_id);
}

function idsInSqlite({ dataDir }: ServerProcess, sql: string): string[] {
  const file = new Sqlite(join(dataDir, 'taskgrant.db'), { readonly: true });
  const rows = file.prepare<[], TokenRow>(sql).all();
  file.close();
  return rows.map((row) => row.token_id);
}

describe('a server that is told to end under load', () => {
  test.each([
    ['on SQLite', {}],
    ['on PostgreSQL', { postgres: true }],
    ['on PostgreSQL with two workers', { postgres: true, args: ['--workers', '2'] }],
  ])('%s answers every request that it accepted, and keeps what it answered', async (_, options: Options) => {
    const running = await start(options);
    const clients = startClients(running, await registerAgent(running), CLIENTS);
    await clients.answered(2 * CLIENTS);
    clients.told();
    running.signal('SIGTERM');
    const [exit] = await Promise.all([running.exited(), clients.finished()]);
    const { tokenIds, closing, crossed, ...wrong } = clients.seen;
    expect(exit).toEqual({ code: 0, signal: null });
    expect(wrong).toMatchObject({ refused: [], cut: [], lost: [] });
    // Whoever goes on asking is told to leave.
    expect(closing + crossed).toBeGreaterThanOrEqual(clients.stalled() ? 0 : CLIENTS);

    expect(await missing(running, tokenIds)).toEqual([]);
  });
});

describe('a server that is told to end', () => {
  test('delivers an answer that is written but not yet read', async () => {
    const whole = Buffer.alloc(32 * 1024 * 1024, 'a');
    const http = createServer();
    const draining = drainingServer(http);
    const answered = new Promise<void>((resolve) => {
      http.on('request', (_, response) => {
        response.end(whole);
        resolve();
      });
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const { port } = http.address() as AddressInfo;
    const answer = await new Promise<IncomingMessage>((resolve) => get({ port }, resolve));
    await answered;
    const ended = draining.drain(0, 5000);
    await setTimeout(AFTER_THE_SIGNAL_MS);
    let length = 0;
    for await (const chunk of answer) length += (chunk as Buffer).length;
    expect(length).toBe(whole.length);
    expect(await ended).toEqual({ requests: [], incomplete: 0 });
  });

  test.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])(
    'closes what is idle, and cuts nothing, although the clock of the machine is set %s meanwhile',
    async (_, ms) => {
      const http = createServer((request, response) => void response.end(request.url));
      const draining = drainingServer(http);
      http.listen(0, '127.0.0.1');
      await once(http, 'listening');
      const { port } = http.address() as AddressInfo;
      const agent = new Agent({ keepAlive: true });
      const [answer] = (await once(get({ port, agent }), 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
      const fresh = connect(port, '127.0.0.1');
      await once(fresh, 'connect');
      const drained = draining.drain(0, 3000);
      // It has stopped accepting by then.
      await setTimeout(60);
      const now = Date.now;
      jest.spyOn(Date, 'now').mockImplementation(() => now() + ms);
      await setTimeout(100);
      fresh.end('GET /late HTTP/1.1\r\nHost: a\r\n\r\n');
      const heard = await text(fresh);
      expect(await drained).toEqual({ requests: [], incomplete: 0 });
      expect(heard).toContain('/late');
      jest.restoreAllMocks();
      agent.destroy();
    },
  );

  test('finishes requests that are still arriving, and closes what is idle', async () => {
    const running = await start();
    const agent = await registerAgent(running);
    const request = tokenRequest(agent);
    const open = () => connectRaw(running.address);
    const [upload, slowHead, fresh, idle] = await Promise.all([open(), open(), open(), open()]);
    idle.write(request.whole);
    await idle.answered(1);
    upload.write(request.begin);
    slowHead.write(request.head.slice(0, 40));
    await setTimeout(50);
    running.signal('SIGTERM');
    await setTimeout(AFTER_THE_SIGNAL_MS);
    expect(await idle.ended).toBe('in order');
    await expect(open()).rejects.toMatchObject({ code: 'ECONNREFUSED' });

    upload.write(request.end);
    slowHead.write(request.whole.slice(40));
    fresh.write(request.whole);
    for (const connection of [upload, slowHead, fresh]) {
      await connection.answered(1);
      expect(await connection.ended).toBe('in order');
      const [answer] = connection.answers();
      expect(answer).toMatchObject({ status: 200, head: expect.stringMatching(/^connection: close$/im) });
    }
    expect(await running.exited()).toEqual({ code: 0, signal: null });
    const messages = logEntries(running, 'app.log').map(({ message }) => message);
    expect(messages.slice(-1)).toEqual(['drained']);
  });

  test('waits for a slow database, and for every request in a pipeline', async () => {
    const running = await start({ postgres: true });
    const agent = await registerAgent(running);
    const lock = new pg.Client({ connectionString: database?.url });
    await lock.connect();
    try {
      await lock.query('BEGIN');
      await lock.query('LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE');
      const connection = await connectRaw(running.address);
      connection.write(tokenRequest(agent).whole + tokenRequest(agent).whole);
      await setTimeout(200);
      running.signal('SIGTERM');
      await setTimeout(AFTER_THE_SIGNAL_MS);
      expect(connection.answers()).toEqual([]);
      await lock.query('COMMIT');
      await connection.answered(2);
      expect(await connection.ended).toBe('in order');
      expect(await running.exited()).toEqual({ code: 0, signal: null });
      const answers = connection.answers();
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      // RFC 9112 §9.6: whatever is sent after `Connection: close` is lost, so only the last answer says it.
      expect(answers.map(({ head }) => /^connection: close$/im.test(head))).toEqual([false, true]);
      await running.start();
      for (const { body } of answers) {
        expect(await introspect(running, ADMIN, tokenIn(body))).toMatchObject({ active: true });
      }
    } finally {
      await lock.end();
    }
  });

  test('is not ready at once, but serves for DRAIN_DELAY seconds more', async () => {
    const running = await start({ env: { DRAIN_DELAY: '2' } });
    const agent = await registerAgent(running);
    running.signal('SIGTERM');
    await setTimeout(200);
    const ready = await send(running, '/health/ready');
    expect(ready).toMatchObject({ status: 503, body: { code: 'draining' } });
    expect(ready.headers.get('retry-after')).toBe('5');
    expect((await send(running, '/health/live')).status).toBe(200);
    const connection = await connectRaw(running.address);
    connection.write(tokenRequest(agent).whole);
    await connection.answered(1);
    expect(connection.answers()[0]).toMatchObject({ status: 200 });
    expect(await connection.ended).toBe('in order');
    expect(await running.exited()).toEqual({ code: 0, signal: null });
    await expect(connectRaw(running.address)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('cuts what takes longer than DRAIN_TIMEOUT, and says what', async () => {
    const running = await start({ env: { DRAIN_TIMEOUT: '1' } });
    const agent = await registerAgent(running);
    const stuck = await connectRaw(running.address);
    const form = formOf({ grant_type: 'client_credentials' });
    stuck.write(rawPost(`${TOKEN_PATH}?secret=in-the-query`, agent.headers, form).begin);
    await setTimeout(50);
    const told = Date.now();
    running.signal('SIGTERM');
    expect(await running.exited()).toEqual({ code: 1, signal: null });
    expect(Date.now() - told).toBeGreaterThanOrEqual(1000);
    expect(Date.now() - told).toBeLessThan(6000);
    const cut = logEntries(running, 'app.log').find(({ level }) => level === 'warn');
    expect(cut).toMatchObject({
      message: expect.stringContaining('cut'),
      requests: [{ method: 'POST', path: TOKEN_PATH }],
      incomplete: 0,
    });
  });

  test('ends at once when it is told twice', async () => {
    const running = await start();
    const stuck = await connectRaw(running.address);
    stuck.write(tokenRequest(await registerAgent(running)).begin);
    await setTimeout(50);
    running.signal('SIGTERM');
    await setTimeout(AFTER_THE_SIGNAL_MS);
    expect(running.pid).toBeDefined();
    const told = Date.now();
    running.signal('SIGINT');
    expect(await running.exited()).toEqual({ code: 1, signal: null });
    expect(Date.now() - told).toBeLessThan(2000);
  });
});
