import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { z } from 'zod';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { QueueFullError } from '../../src/crypto/bounded-queue.ts';
import { DOMAIN_ERROR_CODES, DomainError } from '../../src/domain/errors.ts';
import { contract, route } from '../../src/http/contract.ts';
import { flag } from '../../src/http/fields.ts';
import { createTestHttpApp, type TestHttpApp } from '../support/http-app.ts';
import { ISSUER } from '../support/app-context.ts';

const Echo = z.object({ seen: z.string() });
const echo = contract({
  method: 'post',
  path: '/api/echo/:id',
  aliases: ['/echo/:id'],
  access: 'anonymous',
  summary: 'Echo.',
  tags: ['Test'],
  params: z.strictObject({ id: z.string().max(8) }),
  query: z.strictObject({ loud: flag.optional() }),
  body: z.strictObject({ text: z.string(), times: z.coerce.number().int().default(1) }),
  returns: { status: 200, body: Echo },
});
const broken = contract({
  method: 'get',
  path: '/api/broken/:how',
  access: 'anonymous',
  summary: 'Fail.',
  tags: ['Test'],
  params: z.strictObject({ how: z.string() }),
  refuses: { 403: 'Not permitted.', 409: 'A conflict.' },
  returns: { status: 200, body: Echo },
});

const logged: { message: string; fields: Record<string, unknown> }[] = [];
let app: TestHttpApp;

function fail(how: string): { seen: string } {
  if (how === 'overload') throw new UnavailableError('overloaded', 'too many units');
  if (how === 'queue') throw new QueueFullError();
  if (how === 'undeclared') return { sein: 'wrong' } as never;
  if (how === 'extra') return { seen: 'right', secret: 'left behind' } as never;
  const code = DOMAIN_ERROR_CODES.find((known) => known === how);
  if (code) throw new DomainError(code, 'refused by the rules', { hint: 'public' });
  throw new Error('password=hunter2');
}

const ECHOING = {
  schemas: {},
  responses: {},
  paths: Object.fromEntries(
    ['/api/oauth/token', '/api/oauth/authorize', '/api/oauth/jwks'].map((path) => [
      path,
      Object.fromEntries(
        ['get', 'post'].map((method) => [
          method,
          {
            responses: Object.fromEntries(
              [200, 400, 404, 405].map((status) => [
                status,
                {
                  content: { 'application/json': { schema: {} }, 'application/problem+json': { schema: {} } },
                },
              ]),
            ),
          },
        ]),
      ),
    ]),
  ),
};

beforeAll(async () => {
  app = await createTestHttpApp({
    routes: [
      route(echo, ({ params, query, body }) => ({
        seen: `${params.id} ${body.text.repeat(body.times)}${query.loud ? '!' : ''}`,
      })),
      route(broken, ({ params }) => fail(params.how)),
    ],
    engine: {
      middleware: (ctx, next) => {
        if (ctx.method !== 'POST' && ctx.path === '/api/oauth/token') return next();
        ctx.body = { host: ctx.host, href: ctx.href, secure: ctx.secure };
        return undefined;
      },
      description: () => ECHOING,
    },
  });
  const note = (message: string, fields: Record<string, unknown> = {}) => logged.push({ message, fields });
  Object.assign(app.context.log, { info: note, error: note });
});
afterAll(() => app.close());

describe('reading a request', () => {
  test('takes JSON and forms alike', async () => {
    const json = await app.send('post', '/api/echo/a?loud=true', { body: { text: 'hi', times: 2 } });
    const form = await app.send('post', '/echo/a', { form: 'text=hi&times=2' });
    expect([json.body.seen, form.body.seen]).toEqual(['a hihi!', 'a hihi']);
  });

  test('decodes a slash only within a parameter', async () => {
    const answer = await app.send('post', '/api/echo/a%2Fb', { body: { text: 'hi' } });
    expect(answer.body.seen).toBe('a/b hi');
  });

  test('lists every fault at once, unknown members among them', async () => {
    const answer = await app.send('post', '/api/echo/123456789?loud=maybe&quiet=1', { body: { txt: 'hi' } });
    expect(answer.status).toBe(400);
    const faults = answer.body.faults.map(
      (fault: { in: string; path: string }) => `${fault.in} ${fault.path}`,
    );
    expect(faults).toEqual(['params id', 'query loud', 'query quiet', 'body text', 'body txt']);
  });

  test.each([
    [
      'a repeated query parameter',
      '/api/echo/a?loud=true&loud=false',
      'application/json',
      '{"text":"x"}',
      400,
    ],
    ['a repeated form parameter', '/api/echo/a', 'application/x-www-form-urlencoded', 'text=a&text=b', 400],
    ['malformed JSON', '/api/echo/a', 'application/json', '{"text":', 400],
    ['JSON that is no object', '/api/echo/a', 'application/json', '["text"]', 400],
    ['another content type', '/api/echo/a', 'text/plain', 'text=a', 415],
    ['another charset', '/api/echo/a', 'application/json; charset=utf-16', '{"text":"x"}', 415],
    ['a body over the limit', '/api/echo/a', 'application/json', `{"text":"${'x'.repeat(3000)}"}`, 413],
    ['a prototype in JSON', '/api/echo/a', 'application/json', '{"text":"x","__proto__":{"a":1}}', 400],
  ])('refuses %s', async (_, path, type, text, status) => {
    const answer = await request(app.server).post(path).set('Content-Type', type).send(text);
    expect([answer.status, answer.type]).toEqual([status, 'application/problem+json']);
  });

  test('refuses a method that the path does not have and names those it has', async () => {
    const answer = await app.send('put', '/api/echo/a');
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'POST, OPTIONS']);
    const engine = await app.send('get', '/api/oauth/token');
    expect([engine.status, engine.headers['allow']]).toEqual([405, 'POST']);
  });
});

describe('one spelling per path', () => {
  test.each([
    '/api/nothing',
    '/api/echo/a/',
    '/api//echo/a',
    '/API/echo/a',
    '/api/./echo/a',
    '/api/%65cho/a',
    '/api/echo%2fa',
    '/api/echo/%zz',
    '/api/oauth/TOKEN',
    '/api/oauth/token/',
    '/API/OAUTH/TOKEN',
    '/api/oauth/%74oken',
    '/nothing',
  ])('%s is nothing', async (path) => {
    const answer = await request(app.server).post(path).send({ text: 'x' });
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
  });
});

describe('a hostile Host header', () => {
  test('never reaches a URL', async () => {
    const answer = await request(app.server)
      .post('/api/oauth/token')
      .set({ Host: 'evil.example', 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' });
    const { host, href, secure } = answer.body;
    expect({ host, href, secure }).toEqual({
      host: 'auth.example.com',
      href: `${ISSUER}/api/oauth/token`,
      secure: true,
    });
  });

  test('is refused as an absolute request target', async () => {
    if (!app.server.listening) await new Promise<void>((done) => app.server.listen(0, () => done()));
    const { port } = app.server.address() as AddressInfo;
    const answer = await new Promise<string>((done, failed) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          'POST http://evil.example/api/oauth/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
        ),
      );
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('end', () => done(text));
      socket.on('error', failed);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).not.toContain('evil.example');
    await new Promise((done) => app.server.close(done));
  });
});

describe('answering', () => {
  test('echoes a sane request id and replaces any other', async () => {
    const sane = await request(app.server).get('/health/live').set('X-Request-ID', 'trace-1.a_b');
    const odd = await request(app.server).get('/health/live').set('X-Request-ID', 'a b<script>');
    expect(sane.headers['x-request-id']).toBe('trace-1.a_b');
    expect(odd.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('carries security headers and is never stored', async () => {
    const { headers } = await app.send('get', '/api/broken/extra');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none';frame-ancestors 'none';base-uri 'none'",
    });
    expect(headers['strict-transport-security']).toContain('max-age=');
  });

  test('leaves members behind that were not declared', async () => {
    const answer = await app.send('get', '/api/broken/extra');
    expect(answer.body).toEqual({ seen: 'right' });
  });

  const OWN_CODES = DOMAIN_ERROR_CODES.filter((code) => code !== 'caller_revoked');
  test.each(OWN_CODES)('maps the refusal %s', async (code) => {
    const answer = await app.send('get', `/api/broken/${code}`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body).toMatchObject({ code, detail: 'refused by the rules', hint: 'public' });
  });

  test('answers a caller that was revoked meanwhile as one that had been revoked before', async () => {
    const answer = await app.send('get', '/api/broken/caller_revoked');
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
  });

  test.each(['undeclared', 'surprise'])(
    'says nothing about a failure (%s), logs and audits it',
    async (how) => {
      app.clock.advance(60);
      const answer = await app.send('get', `/api/broken/${how}`);
      expect([answer.status, answer.body.code]).toEqual([500, 'server_error']);
      expect(answer.text).not.toMatch(/hunter2|sein/);
      const [event] = await app.events('server_error');
      expect(event).toMatchObject({ outcome: 'error', requestId: answer.body.request_id });
      expect(logged.some(({ fields }) => fields['request_id'] === answer.body.request_id)).toBe(true);
    },
  );

  test.each(['overload', 'queue'])('asks to come back when the server is overloaded (%s)', async (how) => {
    const answer = await app.send('get', `/api/broken/${how}`);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
  });

  test('writes one line per request, without its query', async () => {
    logged.length = 0;
    await app.send('post', '/api/echo/a?secret=in-the-query', { body: { text: 'x' } });
    const lines = logged.filter(({ message }) => message === 'request');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({ method: 'POST', path: '/api/echo/a', status: 400 });
    expect(JSON.stringify(lines)).not.toContain('in-the-query');
  });
});

describe('cross-origin requests (T10, S9)', () => {
  test.each([
    '/api/oauth/token',
    '/api/oauth/register',
    '/api/oauth/revoke',
    '/api/oauth/userinfo',
    '/api/oauth/jwks',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-protected-resource',
  ])('are allowed to %s', async (path) => {
    const answer = await request(app.server).options(path).set('Origin', 'https://app.example');
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-allow-headers']).toMatch(/MCP-Protocol-Version/);
    expect(answer.headers['access-control-allow-headers']).toMatch(/DPoP/);
  });

  test.each(['/api/oauth/authorize', '/interaction/abc', '/api/oauth/introspect', '/api/admin/tokens'])(
    'are not allowed to %s',
    async (path) => {
      const answer = await request(app.server).options(path).set('Origin', 'https://app.example');
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    },
  );
});

describe('the source address', () => {
  const from = async (trustProxy: boolean | number, forged = '203.0.113.9, 198.51.100.4') => {
    const behind = await createTestHttpApp({ trustProxy });
    await behind.send('get', '/api/admin/tokens', { headers: { 'X-Forwarded-For': forged } });
    const [event] = await behind.events('request_refused');
    await behind.close();
    return event?.sourceIp;
  };

  test('is the socket’s without a trusted proxy', async () => {
    expect(await from(false)).toBe('127.0.0.1');
  });
  test('is what the one trusted proxy saw, whatever the client put before', async () => {
    expect(await from(1)).toBe('198.51.100.4');
  });
  // As proxies of Azure and AWS write it; everybody would have the address of the proxy, and its limits.
  test.each([
    ['198.51.100.4:49152', '198.51.100.4'],
    ['[2001:db8::4]:49152', '2001:db8::4'],
    ['[2001:db8::4]', '2001:db8::4'],
    ['2001:db8::4', '2001:db8::4'],
    ['::FFFF:198.51.100.4', '198.51.100.4'],
    ['[::ffff:198.51.100.4]:80', '198.51.100.4'],
  ])('is read where it is written as %s', async (written, address) => {
    expect(await from(1, `203.0.113.9, ${written}`)).toBe(address);
  });
  test.each(['unknown', '198.51.100.4:', '198.51.100:80', '[198.51.100.4', '2001:db8::4]:80', '[x]:80', ''])(
    'is the proxy’s where none can be read: %j',
    async (written) => {
      expect(await from(1, `203.0.113.9, ${written}`)).toBe('127.0.0.1');
    },
  );
});

describe('health', () => {
  test('tells a live process from a ready one', async () => {
    expect((await app.send('get', '/health/live')).body).toEqual({ status: 'ok' });
    expect((await app.send('get', '/health/ready')).body).toEqual({ status: 'ok', database: 'ok' });
    expect((await app.send('get', '/health')).status).toBe(200);
  });
});
