import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import Koa from 'koa';
import { requestContext } from '../../../src/http/middleware/request-context.ts';
import type { RequestContext } from '../../../src/http/state.ts';
import { memoryInUse } from '../../support/memory-in-use.ts';

/** As many bytes as a header may have by default. */
const HEADER = 15_000;
const REQUESTS = 2_000;

/** What is kept of the source of one request. */
async function sourceOf(app: Koa, forwarded: string): Promise<string> {
  const request = new IncomingMessage(new Socket());
  request.url = '/';
  request.headers['x-forwarded-for'] = forwarded;
  const ctx = app.createContext(request, new ServerResponse(request)) as RequestContext;
  await requestContext()(ctx, async () => undefined);
  return ctx.state.origin.sourceIp;
}

test.each([
  ['that was sent last', 1],
  ['that was sent first', 0],
])('an address %s is kept without the header that it came in', async (_, maxIpsCount) => {
  const app = new Koa({ proxy: true, maxIpsCount });
  const before = memoryInUse();
  const kept: string[] = [];
  for (let n = 0; n < REQUESTS; n += 1) {
    const address = `198.151.${100 + (n >> 7)}.${100 + (n & 127)}`;
    const others = `203.113.113.113, `.repeat(HEADER / 17);
    // Read from a socket, a header is in one piece.
    const header = Buffer.from(maxIpsCount === 1 ? `${others}${address}` : `${address}, ${others}10.0.0.1`);
    kept.push(await sourceOf(app, header.toString('latin1')));
  }
  expect(kept[1]).toBe('198.151.100.101');
  expect(memoryInUse() - before).toBeLessThan((REQUESTS * HEADER) / 4);
});
