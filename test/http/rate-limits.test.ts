import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rateLimitFields } from '../../src/app/limits/rate-limit-fields.ts';
import { type RatePolicy, verdictOf } from '../../src/domain/rate-limit.ts';
import { keyHolder } from '../faults/proofs.ts';
import { adminToken, registerAgent } from '../support/parties.ts';
import { bearer, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';

const CLIENT: RatePolicy = { name: 'client', limit: 1000, windowSeconds: 60 };
const NOW = 1_800_000_000_500;
const BURST: RatePolicy = { name: 'burst', limit: 10, windowSeconds: 1 };

describe('the RateLimit fields', () => {
  test('are lists of strings with parameters', () => {
    expect(rateLimitFields([verdictOf(CLIENT, true, 997, 11_200)], NOW)).toEqual({
      'X-RateLimit-Limit': '1000',
      'X-RateLimit-Remaining': '997',
      'X-RateLimit-Reset': '1800000013',
      'RateLimit-Policy': '"client";q=1000;w=60',
      RateLimit: '"client";r=997;t=12',
    });
    const both = [verdictOf(CLIENT, true, 997, 11_000), verdictOf(BURST, false, 0, 1)];
    expect(rateLimitFields(both, NOW)).toEqual({
      // Of the one that forbids.
      'X-RateLimit-Limit': '10',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': '1800000002',
      'RateLimit-Policy': '"client";q=1000;w=60, "burst";q=10;w=1',
      RateLimit: '"client";r=997;t=11, "burst";r=0;t=1',
    });
  });

  test('never tell of less than nothing, nor of no time at all', () => {
    expect(rateLimitFields([verdictOf(BURST, false, -3, -20)], NOW)['RateLimit']).toBe('"burst";r=0;t=1');
  });
});

describe('every route', () => {
  let server: TestServer;
  let routes: { method: string; path: string; tags: readonly string[] }[];
  beforeAll(async () => {
    server = await startServer();
    const { body } = await send(server, '/openapi.json');
    const paths: Record<string, Record<string, { tags: string[] }>> = body.paths;
    routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { tags }]) => ({
        method: method.toUpperCase(),
        // A stream would not end; a refused one is counted as well.
        path: path.replaceAll(/\{\w+\}/g, 'x').replace(/stream$/, 'stream?after=x'),
        tags,
      })),
    );
  });
  afterAll(() => server.stop());

  /** The policies that an answer names, or the route when it names none. */
  async function counted(method: string, path: string, headers: Record<string, string>) {
    // Nobody waits for events here.
    const sent = path.endsWith('/poll') ? '{"maxEvents":0}' : '{}';
    const body = method === 'GET' || method === 'DELETE' ? null : sent;
    const type = body === null ? {} : { 'content-type': 'application/json' };
    const answer = await send(server, path, { method, headers: { ...headers, ...type }, body });
    const names = [...(answer.headers.get('ratelimit') ?? '').matchAll(/"([a-z-]+)";r=\d+;t=\d+/g)];
    return { route: `${method} ${path}`, policies: names.map(([, name]) => name) };
  }

  test('tells a stranger what is left', async () => {
    expect(routes.length).toBeGreaterThan(100);
    const counting = routes.filter(({ path }) => !path.startsWith('/health'));
    expect(routes.length - counting.length).toBe(3);
    for (const { method, path } of counting) {
      const { route, policies } = await counted(method, path, {});
      // There a form may hold the token, and a missing one is a refused one.
      const expected = route === 'POST /api/oauth/userinfo' ? 'refused-token' : 'source';
      expect({ route, policies: policies.slice(0, 1) }).toEqual({ route, policies: [expected] });
    }
  });

  test('that is never refused stores nothing: no proof of possession either', async () => {
    const { proof } = await keyHolder(server, await registerAgent(server));
    for (const path of ['/health/live', '/health/ready', '/health']) {
      const headers = { dpop: await proof('GET', path) };
      // One that was stored is refused from then on.
      for (const _ of [1, 2]) expect((await send(server, path, { headers })).status).toBe(200);
    }
  });

  test('of the API tells a client what it has left, or that it was taken for a stranger', async () => {
    const headers = bearer(await adminToken(server));
    const open: string[] = [];
    for (const { method, path } of routes.filter(({ tags: [tag] }) => !tag?.startsWith('OAuth'))) {
      const { route, policies } = await counted(method, path, headers);
      if (policies.includes('client')) expect(policies).toEqual(['client']);
      else open.push(route);
    }
    // Those that look at no token.
    expect(open.length).toBeLessThan(20);
    const looksAtNone =
      /health|openapi|docs|well-known|status-lists|permissions|jwks|activate|verify|refresh|login/;
    for (const route of open) expect(route).toMatch(looksAtNone);
  });
});
