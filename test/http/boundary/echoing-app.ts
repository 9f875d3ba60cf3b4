import { afterAll, beforeAll } from '@jest/globals';
import { z } from 'zod';
import { QueueFullError } from '../../../src/crypto/bounded-queue.ts';
import { DOMAIN_ERROR_CODES, DomainError } from '../../../src/domain/errors.ts';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import { contract, route } from '../../../src/http/contract.ts';
import { flag } from '../../../src/http/fields.ts';
import { createTestHttpApp, type TestHttpApp } from '../../support/http-app.ts';

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

/** What was logged of information and failures. */
interface Line {
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** An application with a route that echoes, one that fails as it is told, and an engine that says what it was asked. */
export function echoingApp() {
  const logged: Line[] = [];
  let app: TestHttpApp;
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
  return { app: () => app, logged };
}
