import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { buildContext, type Taskgrant } from '../../src/build.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createConsoleLoggers } from '../../src/log/console-loggers.ts';
import { listen } from '../../src/serve.ts';
import { freePort } from '../support/free-port.ts';
import { startServerProcess } from '../support/server-process.ts';

const home = mkdtempSync(join(tmpdir(), 'taskgrant-places-'));
const file = join(home, 'a-file');
writeFileSync(file, 'mine');
let taken: Server | undefined;
afterEach(() => void taken?.close());
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
});

const refused = (options: Parameters<typeof startServerProcess>[0]) =>
  startServerProcess(options).then(
    () => 'started',
    (error: Error) => error.message,
  );

describe('a start names the setting', () => {
  test('of a directory that cannot be used', async () => {
    expect(await refused({ env: { DATA_DIR: file } })).toContain(
      `The embedded database in ${file} (DATA_DIR) cannot be used: EEXIST`,
    );
    expect(await refused({ env: { LOG_DIR: file } })).toContain(
      `The log directory ${file} (LOG_DIR) cannot be`,
    );
  });

  test('of a database that is none', async () => {
    const data = join(home, 'no-database');
    mkdirSync(data);
    writeFileSync(
      join(data, 'taskgrant.db'),
      'no database at all, but long enough to be looked at '.repeat(100),
    );
    expect(await refused({ env: { DATA_DIR: data } })).toMatch(
      /The embedded database in \S+ \(DATA_DIR\) cannot be used: .*file is not a database/,
    );
  });

  test('of an address where it cannot listen, with what was made for once', async () => {
    const port = await freePort();
    taken = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    const env = { ADMIN_EMAIL: '', ADMIN_PASSWORD: '' };
    const busy = await refused({ port, env });
    expect(busy).toContain(
      `The server cannot listen on 127.0.0.1 (HOST), port ${port} (PORT): listen EADDRINUSE`,
    );
    expect(busy).toMatch(/^ {2}password {10}\S+$/m);
    const nowhere = await refused({ env: { HOST: 'nowhere.invalid' } });
    expect(nowhere).toContain('The server cannot listen on nowhere.invalid (HOST), port');
  });
});

test.each([
  ['fails', () => Promise.reject(new Error('the database is gone'))],
  ['hangs', () => new Promise<void>(() => {})],
])(
  'what a start made for once is told where closing %s after it',
  async (_how, close) => {
    const port = await freePort();
    taken = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
    await once(taken, 'listening');
    const config = loadConfig({ NODE_ENV: 'test', PORT: String(port) }, home);
    const created = { administrator: { email: 'admin@localhost', password: 'shown-once' } };
    const built = { app: { callback: () => () => {} }, created, close } as unknown as Taskgrant;
    await expect(listen(config, built)).rejects.toMatchObject({ name: 'NotListening', created });
  },
  15_000,
);

test('a command names the directory of a key that it cannot write', async () => {
  const config = loadConfig({ NODE_ENV: 'test', DATA_DIR: file }, home);
  const openLoggers = () => createConsoleLoggers();
  await expect(buildContext(config, undefined, { openLoggers, brief: true })).rejects.toThrow(
    `The directory ${file} (DATA_DIR) cannot be written: EEXIST`,
  );
});
