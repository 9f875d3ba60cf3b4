import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DecisionQuestion } from '../../src/app/ports/decision-point.ts';
import { createDecisionPoint, type DecisionPointClient } from '../../src/network/decision-point.ts';
import { type DecisionServer, startDecisionServer } from '../support/decision-server.ts';

const TOKEN = 'a-token-that-only-decision-points-may-see';

let server: DecisionServer;
let client: DecisionPointClient;
let told: [level: string, message: string, fields: unknown][];

beforeEach(async () => {
  server = await startDecisionServer();
  told = [];
  const log = Object.fromEntries(
    (['debug', 'info', 'warn', 'error'] as const).map((level) => [
      level,
      (message: string, fields?: unknown) => told.push([level, message, fields]),
    ]),
  ) as never;
  client = createDecisionPoint({ token: TOKEN, log });
});
afterEach(async () => {
  client.close();
  await server.stop();
});

const question = (over: Partial<DecisionQuestion> = {}): DecisionQuestion => ({
  endpoint: `${server.url}/v1/data/taskgrant/decision`,
  timeoutMs: 2000,
  sendsToken: false,
  input: { step: 'open' },
  ...over,
});

/**
 * A decision point of its own thread, so that connections end while this one is busy: each answers once, and is then
 * closed, or closed and reset, which the next to write is told as ECONNRESET or as EPIPE.
 */
const CLOSING = `
  const { createServer } = require('node:net');
  const { parentPort } = require('node:worker_threads');
  let nth = 0;
  const server = createServer((socket) => {
    const ends = (nth += 1) % 2 === 0;
    socket.on('error', () => {});
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}');
      setTimeout(() => {
        if (ends) socket.end();
        setTimeout(() => socket.resetAndDestroy(), ends ? 10 : 0);
      }, 10);
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

function busyFor(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}

test('asks once more where a connection that was kept turns out to be closed, however that is told', async () => {
  const thread = new Worker(CLOSING, { eval: true });
  try {
    const [port] = (await once(thread, 'message')) as [number];
    const ask = () => client.ask(question({ endpoint: `http://127.0.0.1:${port}/decision` }));
    for (let i = 0; i < 20; i += 1) {
      expect(await ask()).toEqual({ answer: {} });
      await setImmediate();
      busyFor(50);
      expect(await ask()).toEqual({ answer: {} });
    }
    expect(told).toEqual([]);
  } finally {
    await thread.terminate();
  }
});

describe('asking a decision point', () => {
  test('posts the input to the path and reads the answer', async () => {
    server.says({ allow: true });
    expect(await client.ask(question())).toEqual({ answer: { result: { allow: true } } });
    expect(server.asked).toEqual([
      {
        method: 'POST',
        path: '/v1/data/taskgrant/decision',
        authorization: undefined,
        input: { step: 'open' },
      },
    ]);
  });

  test('sends the token where the policy says so, and nowhere else', async () => {
    await client.ask(question({ sendsToken: true }));
    await client.ask(question());
    expect(server.asked.map(({ authorization }) => authorization)).toEqual([`Bearer ${TOKEN}`, undefined]);
  });

  test('keeps the connection, and takes a new one where the old was closed meanwhile', async () => {
    for (let i = 0; i < 5; i += 1) await client.ask(question());
    expect(server.connections()).toBe(1);
    server.dropIdle();
    expect(await client.ask(question())).toEqual({ answer: { result: true } });
    expect(server.connections()).toBe(2);
  });

  test('asks once more when a kept connection breaks as it is used, and no more often', async () => {
    await client.ask(question());
    server.does((_asked, response) => response.destroy());
    const answer = await client.ask(question());
    expect(answer).toEqual({ failure: expect.any(String) });
    expect(server.asked).toHaveLength(3);
  });
});

describe('what is no answer', () => {
  const within = async (over: Partial<DecisionQuestion> = {}) => {
    const began = Date.now();
    const answer = await client.ask(question({ timeoutMs: 200, ...over }));
    expect(Date.now() - began).toBeLessThan(2000);
    return answer;
  };

  test('silence', async () => {
    server.does(() => undefined);
    expect(await within()).toEqual({ failure: 'timeout' });
  });

  test('an answer that never ends', async () => {
    server.does((_asked, response) => void response.write('{"result": '));
    expect(await within()).toEqual({ failure: 'timeout' });
  });

  test('an answer without measure', async () => {
    server.does((_asked, response) => {
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
      response.on('close', () => clearInterval(timer));
    });
    expect(await within({ timeoutMs: 5000 })).toEqual({ failure: 'more than 65536 bytes' });
  });

  test.each([200, 500] as const)('words that are not JSON, with status %i', async (status) => {
    server.does((_asked, response) => response.writeHead(status).end('yes'));
    expect(await within()).toEqual({ failure: status === 200 ? 'not JSON' : 'status 500' });
  });

  test.each([204, 302, 401, 404, 503])('status %i, whatever else it says', async (status) => {
    server.does((_asked, response) =>
      response.writeHead(status, { location: `${server.url}/elsewhere` }).end('{"result": true}'),
    );
    expect(await within()).toEqual({ failure: `status ${status}` });
    expect(server.asked).toHaveLength(1);
  });

  test('a wish to speak another protocol', async () => {
    server.does((_asked, response) => {
      response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n');
    });
    expect(await within()).toEqual({ failure: 'status 101' });
  });

  test('an answer that breaks off', async () => {
    server.does((_asked, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"result": true}', () => response.destroy());
    });
    expect(await within()).toEqual({ failure: expect.any(String) });
  });

  test('nobody there', async () => {
    const { url } = server;
    await server.stop();
    expect(await within({ endpoint: `${url}/v1/data/x` })).toEqual({ failure: 'ECONNREFUSED' });
    server = await startDecisionServer();
  });

  test('is told to the log once, and once that it is over; never with the token', async () => {
    server.does((_asked, response) => response.writeHead(500).end());
    await client.ask(question({ sendsToken: true }));
    await client.ask(question({ sendsToken: true }));
    server.says(true);
    await client.ask(question({ sendsToken: true }));
    await client.ask(question({ sendsToken: true }));
    const { endpoint } = question();
    expect(told).toEqual([
      ['warn', 'the decision point gives no usable answer', { endpoint, failure: 'status 500' }],
      ['info', 'the decision point answers again', { endpoint }],
    ]);
    expect(JSON.stringify(told)).not.toContain(TOKEN);
  });
});
