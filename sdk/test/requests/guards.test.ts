import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import Koa from 'koa';
import {
  checkNodeRequest,
  createRequestGuard,
  createRequestSigner,
  createRequestTokenSigner,
  expressSignature,
  type IncomingRequest,
  koaSignature,
  requestReplaysInMemory,
  type RequestGuardOptions,
  requireSignature,
  signedFetch,
} from '../../src/requests/index.ts';
import { pair, trusting } from './parties.ts';

const keys = pair();
const signing = { issuer: 'orchestrator', privateKey: keys.privateKey };
const trusted = await trusting(keys.publicKey);
const signer = await createRequestSigner(signing);
const tokens = await createRequestTokenSigner(signing);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

/** Listens first, because a guard must know where it is reached. */
async function serve(
  make: (guard: Parameters<typeof expressSignature>[0]) => Handler,
  over: Partial<RequestGuardOptions> = {},
) {
  const reasons: string[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const onRefused = ({ reason }: { reason: string }) => void reasons.push(reason);
  const options = { publicUrl, keys: trusted, replays: requestReplaysInMemory(), onRefused, ...over };
  server.on('request', make(createRequestGuard(options)));
  stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { url: publicUrl, reasons };
}

const frameworks: [string, (guard: ReturnType<typeof createRequestGuard>) => Handler][] = [
  [
    'plain Node http',
    (guard) => (request, response) => {
      const incoming: IncomingRequest = request;
      void checkNodeRequest(guard, incoming).then((checked) => {
        response.statusCode = checked.passed ? 200 : checked.answer.status;
        const headers: Record<string, string> = checked.passed ? {} : { ...checked.answer.headers };
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        const answer = checked.passed
          ? { from: checked.request.issuer, got: incoming.body ?? null }
          : checked.answer.body;
        response.end(JSON.stringify(answer));
      });
    },
  ],
  [
    'Express',
    (guard) => {
      const app = express();
      // A router takes its path off the URL: what is signed is the whole of it.
      const router = express.Router();
      router.use(expressSignature(guard), express.json());
      router.all('/ask', (request, response) => {
        response.json({
          from: (request as IncomingRequest).signedRequest?.issuer,
          got: request.body ?? null,
        });
      });
      app.use('/agent', router);
      return (request, response) => void app(request, response);
    },
  ],
  [
    'Koa',
    (guard) => {
      const app = new Koa();
      app.use(koaSignature(guard));
      app.use((ctx) => {
        const { body = null } = ctx.request as { body?: unknown };
        ctx.body = { from: (ctx.state['signedRequest'] as { issuer: string }).issuer, got: body };
      });
      const answer = app.callback();
      return (request, response) => void answer(request, response);
    },
  ],
];

describe.each(frameworks)('a service on %s', (_name, make) => {
  const asking = (url: string, init: RequestInit = {}) =>
    new Request(`${url}/agent/ask?deep=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"x"}',
      ...init,
    });

  test('answers signed requests once, and tells nobody else why not', async () => {
    const { url, reasons } = await serve(make);
    const signed = await signer.sign(asking(url));
    const copies = [signed.clone(), signed.clone()];
    const answer = await fetch(signed);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ from: 'orchestrator', got: { query: 'x' } });
    const refusals = [
      await fetch(copies[0] as Request),
      await fetch(new Request(copies[1] as Request, { body: '{"query":"y"}', method: 'POST' })),
      await fetch(asking(url)),
      await fetch(await tokens.sign(asking(url))),
    ];
    const answers = await Promise.all(
      refusals.map(async (one) => ({ status: one.status, body: await one.text() })),
    );
    // One answer for all of them.
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(answers[0]?.status).toBe(401);
    expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({ code: 'request_refused', status: 401 });
    expect(refusals[0]?.headers.get('content-type')).toMatch('application/problem+json');
    expect(refusals[0]?.headers.get('cache-control')).toBe('no-store');
    expect(reasons).toEqual(['replayed', 'body_changed', 'signature_missing', 'signature_missing']);
  });

  test('takes request tokens where it says so, and requests without a body', async () => {
    const { url } = await serve(make, { profiles: ['signature', 'token'] });
    const answer = await fetch(await tokens.sign(asking(url)));
    expect(await answer.json()).toEqual({ from: 'orchestrator', got: { query: 'x' } });
    const sending = signedFetch(signer);
    const bare = await sending(`${url}/agent/ask`, { method: 'GET' });
    expect(await bare.json()).toEqual({ from: 'orchestrator', got: null });
  });

  test("reads no more of a body than it accepts, and nothing of a stranger's", async () => {
    const { url, reasons } = await serve(make, { bodyLimit: 1000 });
    const large = { body: JSON.stringify({ query: 'x'.repeat(200_000) }) };
    expect((await fetch(await signer.sign(asking(url, large)))).status).toBe(401);
    expect((await fetch(asking(url, large))).status).toBe(401);
    expect(reasons).toEqual(['body_too_large', 'signature_missing']);
  });

  test('answers what follows on a connection after a body that was too large', async () => {
    const { url } = await serve(make, { bodyLimit: 1000 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sent = async (body: string) => {
      const { headers } = await signer.sign(asking(url, { body }));
      const [name, init] = [
        `${url}/agent/ask?deep=1`,
        { agent, method: 'POST', headers: Object.fromEntries(headers) },
      ];
      return new Promise((resolve, reject) => {
        const outgoing = request(name, init, (answer) => {
          answer.resume().on('end', () => resolve([answer.statusCode, outgoing.reusedSocket]));
        });
        outgoing.on('error', reject).end(body);
      });
    };
    expect(await sent(JSON.stringify({ query: 'x'.repeat(300_000) }))).toEqual([401, false]);
    expect(await sent('{}')).toEqual([200, true]);
    agent.destroy();
  });
});

describe('a handler of the Fetch API', () => {
  const options = (over: Partial<RequestGuardOptions> = {}): RequestGuardOptions => ({
    publicUrl: 'https://agent.example',
    keys: trusted,
    replays: requestReplaysInMemory(),
    ...over,
  });

  test('gets the request with its body, and who sent it', async () => {
    const handle = requireSignature(createRequestGuard(options()), async (request, verified) =>
      Response.json({ from: verified.issuer, got: await request.text() }),
    );
    const request = () => new Request('https://agent.example/ask', { method: 'PUT', body: 'hello' });
    const signed = await signer.sign(request());
    const again = signed.clone();
    expect(await (await handle(signed)).json()).toEqual({ from: 'orchestrator', got: 'hello' });
    expect((await handle(again)).status).toBe(401);
    const bare = await handle(await signer.sign(new Request('https://agent.example/ask')));
    expect(await bare.json()).toEqual({ from: 'orchestrator', got: '' });
    const large = requireSignature(createRequestGuard(options({ bodyLimit: 3 })), () => new Response());
    expect((await large(await signer.sign(request()))).status).toBe(401);
  });

  test('answers 503 when keys cannot be had, and a failing log changes nothing', async () => {
    const failing = { find: () => Promise.reject(new Error('down')) };
    const onRefused = () => {
      throw new Error('disk full');
    };
    const handle = requireSignature(
      createRequestGuard(options({ keys: failing, onRefused })),
      () => new Response(),
    );
    const response = await handle(await signer.sign(new Request('https://agent.example/ask')));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
  });

  test('an error of the service itself is no refusal', async () => {
    const handle = requireSignature(createRequestGuard(options()), () => Promise.reject(new Error('own')));
    await expect(handle(await signer.sign(new Request('https://agent.example/ask')))).rejects.toThrow('own');
  });
});

test('a body that was parsed before is not the one that was signed', async () => {
  const { url } = await serve((guard) => {
    const app = express();
    app.use(express.json(), expressSignature(guard));
    app.use((error: Error, _request: unknown, response: express.Response, _next: unknown) => {
      response.status(500).json({ message: error.message });
    });
    return (request, response) => void app(request, response);
  });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' };
  const answer = await fetch(await signer.sign(new Request(`${url}/x`, init)));
  expect(answer.status).toBe(500);
  expect(await answer.json()).toEqual({ message: expect.stringContaining('before the body is parsed') });
});

test('raw bytes that a parser has left are taken', async () => {
  const { url } = await serve((guard) => {
    const app = express();
    app.use(express.raw({ type: () => true }), expressSignature(guard));
    app.use((request, response) => void response.json({ got: request.body as unknown }));
    return (request, response) => void app(request, response);
  });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' };
  const answer = await fetch(await signer.sign(new Request(`${url}/x`, init)));
  expect(await answer.json()).toEqual({ got: { a: 1 } });
});

test.each(['nowhere', '/signed', undefined as never])('a guard is not made for %p', (publicUrl) => {
  const options = { publicUrl, keys: { find: () => [] }, replays: requestReplaysInMemory() };
  expect(() => createRequestGuard(options)).toThrow(expect.objectContaining({ code: 'option_invalid' }));
});
