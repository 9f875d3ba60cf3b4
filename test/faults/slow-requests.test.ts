import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { httpServer } from '../../src/process/http-server.ts';

const CONFIG = { databaseTimeout: 5000, requestBodyLimit: 1024 };
const BOUNDS = { arrivingMs: 500, lookEveryMs: 50 };
/** Within this the connection of a request that takes too long is ended, on a busy machine too. */
const SOON_MS = 3000;

let http: Server | undefined;
afterEach(() => {
  http?.closeAllConnections();
  http?.close();
});

/** Answers when all of a request has arrived, and then slowly. */
async function listen(answerMs = 0): Promise<number> {
  http = httpServer(CONFIG, BOUNDS);
  http.on('request', (request, response) => {
    request.on('error', () => {}).resume();
    request.once('end', () => {
      response.write('begun ');
      void setTimeout(answerMs).then(() => response.end('done'));
    });
  });
  await new Promise<void>((resolve) => http?.listen(0, '127.0.0.1', resolve));
  return (http.address() as AddressInfo).port;
}

/** What is answered to one who sends the beginning, and then a byte whenever silence would be noticed. */
async function drip(port: number, beginning: string): Promise<{ answer: string; ms: number }> {
  const began = performance.now();
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(beginning);
  const dripping = setInterval(() => socket.writable && socket.write('a'), 40);
  const answer = await text(socket).catch(() => '');
  clearInterval(dripping);
  return { answer, ms: performance.now() - began };
}

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n';

describe('a request that arrives byte by byte', () => {
  test.each([
    ['in its body', `${POST}\r\n`],
    ['in its head', `${POST}X-Slow: `],
    ['in a chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n300\r\n'],
  ])('%s is ended with 408', async (_, beginning) => {
    const { answer, ms } = await drip(await listen(), beginning);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(ms).toBeGreaterThan(BOUNDS.arrivingMs - 100);
    expect(ms).toBeLessThan(SOON_MS);
  });

  test('is not ended as long as the slowest client needs that is waited for', () => {
    const { headersTimeout, requestTimeout } = httpServer({ ...CONFIG, requestBodyLimit: 65_536 });
    expect([headersTimeout, requestTimeout]).toEqual([20_000, 22_048]);
    expect(httpServer({ ...CONFIG, requestBodyLimit: 10_485_760 }).requestTimeout).toBeGreaterThan(300_000);
  });
});

describe('what takes its time for another reason', () => {
  test('is left alone: an answer, and the connection between two requests', async () => {
    const port = await listen(3 * BOUNDS.arrivingMs);
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    for (const count of [1, 2]) {
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na');
      while (received.split('done').length <= count && !socket.closed) await setTimeout(20);
      expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(count);
      await setTimeout(3 * BOUNDS.arrivingMs);
      expect(socket.closed).toBe(false);
    }
    socket.destroy();
  });
});
