import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { postJson } from '../support/requests.ts';
import { logEntries, type ServerProcess, startServerProcess } from '../support/server-process.ts';

const CONNECTIONS = 10;

/** Whoever resets a connection is not asked for its address any more by the time that the server looks. */
describe('a client that resets its connection when it has sent a request', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServerProcess();
  });
  afterAll(() => server.stop());

  async function connected(): Promise<Socket> {
    const { hostname, port } = new URL(server.address);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return socket;
  }

  async function registerAndReset(socket: Socket, name: string): Promise<void> {
    const body = JSON.stringify({ client_name: name, redirect_uris: ['https://c.example/cb'] });
    const head = ['POST /api/oauth/register HTTP/1.1', 'Host: a', 'Content-Type: application/json'];
    const request = `${[...head, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;
    await new Promise((resolve) => socket.write(request, resolve));
    socket.resetAndDestroy();
  }

  /** The addresses of everything that was logged and recorded, once the server has answered what came before. */
  async function addresses(): Promise<unknown[]> {
    const last = await postJson(server, '/api/oauth/register', { redirect_uris: ['https://c.example/cb'] });
    expect(last.status).toBe(201);
    const entries = readdirSync(server.logDir).flatMap((file) => logEntries(server, file));
    return entries.map(({ source_ip: address }) => address).filter((address) => address !== undefined);
  }

  test('before it was accepted is not served: its limits and its records would be those of nobody', async () => {
    server.signal('SIGSTOP');
    for (let i = 0; i < CONNECTIONS; i += 1) await registerAndReset(await connected(), 'Nobody');
    server.signal('SIGCONT');
    expect(new Set(await addresses())).toEqual(new Set(['127.0.0.1']));
  });

  test('after it was accepted is known by its address', async () => {
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, connected));
    // Each of them is accepted before one that is answered.
    await addresses();
    server.signal('SIGSTOP');
    for (const socket of sockets) await registerAndReset(socket, 'Somebody');
    server.signal('SIGCONT');
    const known = await addresses();
    expect(new Set(known)).toEqual(new Set(['127.0.0.1']));
  });
});
