import { createServer, connect as open, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { connect, openDatabase } from '../../src/store/database.ts';
import { KEYS } from '../../src/store/sql/locks.ts';
import { postgresPlace } from './databases.ts';

/** The first that the log says, and what becomes of the start. */
function start(settings: Parameters<typeof openDatabase>[0]) {
  let tell = (_line: object): void => undefined;
  const told = new Promise<object>((resolve) => (tell = resolve));
  const error = (message: string, fields?: Record<string, unknown>) => tell({ message, ...fields });
  const opening = openDatabase({ ...settings, timeoutMs: 300, logger: { warn: () => {}, error } });
  return { told, opening };
}

test('a start that another one holds up says so in time, and goes on after it', async () => {
  const { settings, remove } = await postgresPlace();
  const other = connect(settings);
  const held = await other.transaction();
  await held.raw('SELECT pg_advisory_xact_lock(?)', [KEYS.migrations]);

  const { told, opening } = start(settings);
  expect(await told).toEqual({
    message: 'the start waits for the database',
    database: expect.stringMatching(/^PostgreSQL at \S+:\d+$/),
    waiting_for: 'the lock of migrations, which another start or command holds',
    seconds: expect.any(Number),
  });
  await held.rollback();
  await (await opening).close();
  await other.destroy();
  await remove();
});

test('so does one whose database falls silent in the midst of a migration', async () => {
  const { settings, remove } = await postgresPlace('nothing');
  const { hostname, port } = new URL(settings.databaseUrl ?? '');
  const sockets: Socket[] = [];
  // Passes everything on until the schema is changed; the rest of that never arrives.
  const proxy = createServer((client) => {
    const server = open(Number(port), hostname);
    sockets.push(client, server);
    for (const socket of [client, server]) socket.on('error', () => {});
    server.pipe(client);
    client.on('data', (sent) => {
      if (sent.includes('create table')) client.pause();
      else server.write(sent);
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const url = new URL(settings.databaseUrl ?? '');
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  const { told, opening } = start({ ...settings, databaseUrl: url.href });
  opening.catch(() => undefined);
  expect(await told).toMatchObject({ waiting_for: 'changes of the schema, or a table that others use' });
  for (const socket of sockets) socket.destroy();
  await expect(opening).rejects.toThrow();
  proxy.close();
  await remove();
});
