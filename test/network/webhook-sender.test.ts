import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createNameLookups } from '../../src/network/name-lookups.ts';
import { publicOrIn } from '../../src/network/public-address.ts';
import { createWebhookSender } from '../../src/network/webhook-sender.ts';
import { createWebhookTargets } from '../../src/network/webhook-targets.ts';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  closers.push(() => (server.closeAllConnections(), server.close()));
  return started(server);
}

async function started(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Options {
  readonly networks?: readonly string[];
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly timeoutMs?: number;
}

function senderWith({ networks = ['127.0.0.0/8'], resolve, timeoutMs = 2000 }: Options = {}) {
  const allows = publicOrIn(networks);
  const targets = createWebhookTargets({ allowHttp: true, ports: 'any', allows });
  const sender = createWebhookSender({
    targets,
    allows,
    timeoutMs,
    redact: (text) => text.replaceAll('secret', '[redacted]'),
    lookups: createNameLookups({ atOnce: 4, ofSuspects: 1, ...(resolve ? { resolve } : {}) }),
  });
  return (url: string, signal = new AbortController().signal) =>
    sender.post({ party: 'agent-a', url, headers: HEADERS, body: '{"type":"x"}' }, signal);
}

const HEADERS = { 'webhook-id': 'msg_1', 'Content-Type': 'application/json' };
const NO_ADDRESS = { status: null, error: 'the host has no address that webhooks may go to' };

describe('sending to a webhook', () => {
  test('posts the body with its headers, and nothing that tells of other requests', async () => {
    const seen: unknown[] = [];
    const port = await listen((request, response) => {
      const { method, url, headers } = request;
      request.on('data', (chunk: Buffer) => seen.push({ method, url, headers, body: chunk.toString() }));
      response.setHeader('set-cookie', 'session=1').end('a secret');
    });
    const post = senderWith();
    for (let i = 0; i < 2; i += 1) {
      expect(await post(`http://127.0.0.1:${port}/path?query=1`)).toEqual({
        status: 200,
        excerpt: 'a [redacted]',
        retryAfterMs: undefined,
        error: null,
      });
    }
    expect(seen).toHaveLength(2);
    expect(seen[1]).toEqual({
      method: 'POST',
      url: '/path?query=1',
      body: '{"type":"x"}',
      headers: {
        host: `127.0.0.1:${port}`,
        'webhook-id': 'msg_1',
        'content-type': 'application/json',
        'content-length': '12',
        'accept-encoding': 'identity',
        connection: 'close',
      },
    });
  });

  test('connects to the address that was checked, though the name leads elsewhere the second time', async () => {
    let asked = 0;
    const port = await listen((request, response) => void response.end(request.headers.host));
    // The first answer is allowed; whoever asked again would be sent to an address where nothing listens.
    const resolve = async () => {
      asked += 1;
      return asked === 1 ? ['127.0.0.1'] : ['127.0.0.2'];
    };
    const answer = await senderWith({ resolve, networks: ['127.0.0.1/32'] })(
      `http://rebinding.example.com:${port}/`,
    );
    expect(answer).toMatchObject({ status: 200, excerpt: `rebinding.example.com:${port}` });
    expect(asked).toBe(1);
  });

  test.each([
    ['one of its addresses is private', async () => ['93.184.216.34', '127.0.0.1']],
    ['it leads inside', async () => ['10.0.0.1']],
    ['it is an IPv4 address in disguise', async () => ['::ffff:93.184.216.34']],
    ['it has none', async () => []],
    ['it cannot be resolved', () => Promise.reject(new Error('ENOTFOUND'))],
  ])('sends nothing to a name when %s, and tells no difference', async (_why, resolve) => {
    let reached = 0;
    const port = await listen((_request, response) => {
      reached += 1;
      response.end();
    });
    const answer = await senderWith({ networks: [], resolve })(`http://inside.example.com:${port}/`);
    expect(answer).toMatchObject(NO_ADDRESS);
    expect(reached).toBe(0);
  });

  test.each([
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://localhost/',
  ])('sends nothing to %s unless loopback is allowed', async (url) => {
    expect(await senderWith({ networks: [] })(url)).toMatchObject({
      status: null,
      error: 'the URL must not lead to a private address',
    });
  });

  test('does not follow a redirect, not even to an allowed place', async () => {
    let followed = 0;
    const port = await listen((request, response) => {
      if (request.url === '/inside') followed += 1;
      response.writeHead(307, { location: '/inside', 'retry-after': '7' }).end();
    });
    const answer = await senderWith()(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: 307, retryAfterMs: 7000, error: null });
    expect(followed).toBe(0);
  });

  test('reads a date that a receiver asks for, and nothing that is no time', async () => {
    const later = new Date(Date.now() + 60_000).toUTCString();
    const fields = [later, 'soon', '-5', ''];
    const port = await listen((_request, response) => {
      response.writeHead(503, { 'retry-after': fields.shift() ?? '' }).end();
    });
    const post = senderWith();
    const first = (await post(`http://127.0.0.1:${port}/`)).retryAfterMs ?? 0;
    expect(first).toBeGreaterThan(50_000);
    expect(first).toBeLessThanOrEqual(60_000);
    for (let i = 0; i < 3; i += 1) {
      expect((await post(`http://127.0.0.1:${port}/`)).retryAfterMs).toBeUndefined();
    }
  });

  test('reads no more of a long answer than it needs', async () => {
    let closed = false;
    const port = await listen((_request, response) => {
      response.on('close', () => (closed = true));
      const more = () => void (response.destroyed || response.write('é'.repeat(8192), more));
      more();
    });
    const answer = await senderWith()(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: 200, excerpt: 'é'.repeat(1024) });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(closed).toBe(true);
  });

  test('reads no more of one in small pieces, each of which has a frame of its own', async () => {
    const ended = Promise.withResolvers<number>();
    const server = createTcpServer((socket) => {
      let written = 0;
      const piece = '1\r\na\r\n'.repeat(1000);
      const timer = setInterval(() => {
        written += piece.length;
        socket.write(piece);
      }, 2);
      socket.on('error', () => {});
      socket.on('close', () => (clearInterval(timer), ended.resolve(written)));
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    });
    closers.push(() => server.close());
    const port = await started(server);
    expect(await senderWith()(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 200,
      excerpt: 'a'.repeat(1024),
    });
    expect(await ended.promise).toBeLessThan(200_000);
  });

  test.each([
    ['is never answered', ''],
    ['answers its head and no body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['drips its head', 'HTTP/1.1 200 OK\r\nX-Slow:'],
  ])('gives up on one that %s', async (_what, head) => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.write(head);
    });
    closers.push(() => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    });
    const port = await started(server);
    const began = performance.now();
    const answer = await senderWith({ timeoutMs: 300 })(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: null, error: 'no complete answer within 0.3 seconds' });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('gives up on a name that resolves too late', async () => {
    const answer = await senderWith({ timeoutMs: 200, resolve: () => new Promise(() => {}) })(
      'https://slow.example.com/',
    );
    expect(answer).toMatchObject({ status: null, error: 'no complete answer within 0.2 seconds' });
  });

  test('tells of what is no HTTP, a head that is too large, and a port where nobody listens', async () => {
    const answers = ['SSH-2.0-OpenSSH\r\n', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`];
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.write(answers.shift() ?? '', () => socket.destroySoon());
    });
    const port = await started(server);
    const post = senderWith();
    expect((await post(`http://127.0.0.1:${port}/`)).error).toMatch(/^could not be reached: HPE_/);
    expect((await post(`http://127.0.0.1:${port}/`)).error).toMatch(
      /^could not be reached: HPE_HEADER_OVERFLOW/,
    );
    await new Promise((resolve) => server.close(resolve));
    expect((await post(`http://127.0.0.1:${port}/`)).error).toBe('could not be reached: ECONNREFUSED');
  });

  test('gives up on one that wants to speak another protocol', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n'),
      );
    });
    closers.push(() => server.close());
    const port = await started(server);
    const answer = await senderWith({ timeoutMs: 300 })(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: null, error: 'could not be reached: the connection broke' });
  });

  test('gives up on one that has always something to say before its answer', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(1000);
    let written = 0;
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      const more = () => {
        while (!socket.destroyed && socket.write(hints)) written += hints.length;
      };
      socket.on('drain', more).once('data', more);
    });
    closers.push(() => server.close());
    const port = await started(server);
    const answer = await senderWith()(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: null, error: 'could not be reached: too many interim answers' });
    expect(written).toBeLessThan(16 * 1_048_576);
  });

  test('hears an answer after a few that are none yet', async () => {
    const port = await listen((_request, response) => {
      response.writeContinue();
      for (let i = 0; i < 3; i += 1) response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('there');
    });
    expect(await senderWith()(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, excerpt: 'there' });
  });

  test('stops when the server ends', async () => {
    const port = await listen(() => {});
    const ending = new AbortController();
    const answer = senderWith()(`http://127.0.0.1:${port}/`, ending.signal);
    setTimeout(() => ending.abort(), 50);
    expect(await answer).toMatchObject({ status: null, error: 'the server ended during the attempt' });
  });
});

describe('where webhooks may be', () => {
  const strict = createWebhookTargets({ allowHttp: false, ports: [443, 8443], allows: publicOrIn([]) });
  const problem = (url: string) => strict.problemOf(new URL(url));

  test.each(['https://example.com/', 'https://example.com:8443/', 'https://93.184.216.34/'])(
    'at %s',
    (url) => {
      expect(problem(url)).toBeUndefined();
    },
  );

  test.each([
    ['http://example.com/', 'must be an https URL'],
    ['https://example.com:22/', 'must have one of the ports 443, 8443'],
    ['https://user@example.com/', 'must not hold a user name or password'],
    ['https://localhost/', 'must not lead to a private address'],
    ['https://localhost./', 'must not lead to a private address'],
    ['https://app.LOCALHOST/', 'must not lead to a private address'],
    ['https://[fd00::1]/', 'must not lead to a private address'],
  ])('not at %s', (url, why) => {
    expect(problem(url)).toBe(why);
  });
});
