import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { connect, openDatabase } from '../../src/store/database.ts';
import { isUnavailable } from '../../src/store/sql/unavailability.ts';
import { postgresPlace } from './databases.ts';

/** AuthenticationOk and ReadyForQuery (PostgreSQL, chapter 54): whoever connects is in. */
const WELCOME = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
const WITHIN_MS = 1000;

let server: Server;
const sockets = new Set<Socket>();

/** What takes every connection, and says no more than `answer`. */
async function startSilent(answer: Buffer | undefined): Promise<{ place: string; url: string }> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    socket.once('data', () => answer && socket.write(answer));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { place, url: `postgres://somebody:hidden-password@${place}/db` };
}

describe.each([
  ['accepts connections and stays silent', undefined],
  ['lets everybody in and answers nothing, as a pool does that is paused', WELCOME],
])('a PostgreSQL that %s', (_, answer) => {
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  test('ends a start in time, and is told for what it is', async () => {
    const { place, url } = await startSilent(answer);
    const began = performance.now();
    const reported: unknown[] = [];
    const warn = (...line: unknown[]) => void reported.push(line);
    const settings = { databaseUrl: url, dataDir: ':memory:', poolMax: 2, startWithinMs: WITHIN_MS };
    const failure = await openDatabase({ ...settings, logger: { warn, error: warn } }).catch(String);
    expect(performance.now() - began).toBeLessThan(2 * WITHIN_MS);
    expect(failure).toContain(
      `PostgreSQL at ${place}: connection terminated: it was accepted, but nothing was`,
    );
    expect(failure).toContain('within 1000 milliseconds');
    expect(JSON.stringify([failure, reported])).not.toMatch(/hidden-password|pool is probably full/);
    // Nothing of it stays open, and keeps a command of the CLI from ending.
    await Promise.all([...sockets].map((socket) => once(socket, 'close')));
  });
});

test('whoever finds all connections in use is told so', async () => {
  const { settings, remove } = await postgresPlace();
  const db = connect({ ...settings, poolMax: 1, startWithinMs: WITHIN_MS });
  const held = await db.client.acquireConnection();
  const failure = await db.client.acquireConnection().catch((error: unknown) => error);
  expect(String(failure)).toMatch(/PostgreSQL at [\w.]+:\d+: no connection was free within/);
  expect(String(failure)).toMatch('1 were in use');
  expect(isUnavailable(failure)).toBe(true);
  await db.client.releaseConnection(held);
  await db.destroy();
  await remove();
});
