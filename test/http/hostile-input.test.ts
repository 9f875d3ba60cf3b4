import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Operation, describedOperations } from '../support/described-operations.ts';
import {
  HOSTILE_BODIES,
  HOSTILE_MEMBERS,
  HOSTILE_QUERIES,
  HOSTILE_SEGMENTS,
} from '../support/hostile-values.ts';
import { adminToken } from '../support/parties.ts';
import { removeWebhooks } from '../support/remove-webhooks.ts';
import { type Answer, basic, bearer, send } from '../support/requests.ts';
import { ADMIN_CLIENT, ADMIN_CLIENT_SECRET, startServer, type TestServer } from '../support/server.ts';
import { type Members, type Scene, sceneOf } from '../support/scene-of-route.ts';

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ env: { RATE_LIMITS: 'off' } });
});
// Every answer is held to the description of the API besides.
afterAll(() => server.stop());
afterEach(() => removeWebhooks(server));

const isOAuth = (path: string) => path.startsWith('/api/oauth/') && path !== '/api/oauth/protected';

async function headersOf(path: string): Promise<Record<string, string>> {
  if (isOAuth(path) && !/register|userinfo/.test(path)) return basic(ADMIN_CLIENT, ADMIN_CLIENT_SECRET);
  return bearer(await adminToken(server));
}

const fill = (path: string, values: Readonly<Record<string, string>>) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'none');

/** What is wrong with an answer; nothing when it is a success, or a refusal that says what was wrong. */
function faultsOf(path: string, { status, headers, body }: Answer): string[] {
  const type = headers.get('content-type') ?? '';
  if (status < 400) return [];
  if (status >= 500) return [`${status} ${JSON.stringify(body)}`];
  if (isOAuth(path) && body.error !== undefined) return [];
  if (/^\/(interaction|api\/oauth\/(authorize|logout))/.test(path) && type.startsWith('text/html')) return [];
  const { status: told, code, detail, request_id: request } = body;
  const whole = told === status && code && detail && request && type.startsWith('application/problem+json');
  return whole ? [] : [`${status} ${type} ${JSON.stringify(body).slice(0, 300)}`];
}

/** Sends each hostile request; begins anew wherever one of them was let in and may have changed what the path names. */
async function sendEach(
  operation: Operation,
  requests: readonly (readonly [
    what: string,
    request: (scene: Scene) => [path: string, init: RequestInit],
  ])[],
): Promise<string[]> {
  const { method, path } = operation;
  const headers = await headersOf(path);
  let scene = await sceneOf(server, operation);
  const found: string[] = [];
  for (const [what, request] of requests) {
    const [where, init] = request(scene);
    const all = { ...headers, 'idempotency-key': randomUUID(), ...(init.headers as Record<string, string>) };
    const answer = await send(server, where, { ...init, method, headers: all });
    found.push(...faultsOf(path, answer).map((fault) => `${what}: ${fault}`));
    if (answer.status < 400 && method !== 'GET' && path.includes('{'))
      scene = await sceneOf(server, operation);
  }
  return found;
}

const json = (text: string): RequestInit => ({ headers: { 'content-type': 'application/json' }, body: text });

/** The members as JSON, one of them as it is written in `text`. */
const replaced = (members: Members, name: string, text: string) => {
  const others = Object.entries(members).filter(([other]) => other !== name);
  const written = others.map(([other, value]) => `${JSON.stringify(other)}:${JSON.stringify(value)}`);
  return `{${[...written, `${JSON.stringify(name)}:${text}`].join(',')}}`;
};

const OPERATIONS = describedOperations();
const PATHS = new Set(OPERATIONS.map(({ path }) => path));
/** The same handler has another path. */
const isAlias = ({ path }: Operation) => !path.startsWith('/api/') && PATHS.has(`/api${path}`);
const ASKED = OPERATIONS.filter((operation) => !isAlias(operation));
const named = (operations: readonly Operation[]) =>
  operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);
const WITH_BODY = named(ASKED.filter(({ members }) => members !== undefined));
const WITH_PARAMETERS = named(ASKED.filter(({ path }) => path.includes('{')));
// A stream goes on until its reader leaves.
const WITH_QUERY = named(
  OPERATIONS.filter(({ query, path }) => query.length > 0 && !path.endsWith('/stream')),
);

test('the description that is kept is the one of the server', async () => {
  const { body } = await send(server, '/openapi.json');
  const routes = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(OPERATIONS.map(({ method, path }) => `${method} ${path}`)).toEqual(routes);
  expect(WITH_BODY.length).toBeGreaterThan(40);
});

test('there is something at every path that is described', async () => {
  const nothing = [];
  for (const { method, path } of ASKED.filter(({ path: one }) => !/^\/docs\/|stream$/.test(one))) {
    const { body } = await send(server, fill(path, {}), { method });
    if (body.detail === 'there is nothing at this path') nothing.push(`${method} ${path}`);
  }
  expect(nothing).toEqual([]);
});

describe.each(WITH_BODY)('%s', (_, operation) => {
  test('takes what is right', async () => {
    if (isOAuth(operation.path)) return;
    const scene = await sceneOf(server, operation);
    const { method, path } = operation;
    const init = { method, ...json(JSON.stringify(scene.body)) };
    const headers = { ...(await headersOf(path)), 'content-type': 'application/json' };
    const { body } = await send(server, fill(path, scene.path), { ...init, headers });
    expect(body.code).not.toBe('request_invalid');
  });

  test('says what is wrong with a body', async () => {
    const requests = Object.entries(HOSTILE_BODIES).map(
      ([what, [type, body]]) =>
        [
          what,
          (scene: Scene): [string, RequestInit] => [
            fill(operation.path, scene.path),
            { headers: { 'content-type': type }, body },
          ],
        ] as const,
    );
    expect(await sendEach(operation, requests)).toEqual([]);
  });

  test('says what is wrong with a member', async () => {
    const turn = WITH_BODY.findIndex(([, one]) => one === operation);
    const values = Object.entries(HOSTILE_MEMBERS);
    const requests = (operation.members ?? []).flatMap((name, member) =>
      // Each member gets every third value; of its neighbours, in this route and in others, each the next ones.
      values
        .filter((_, i) => (i + member + turn) % 3 === 0)
        .map(
          ([what, text]) =>
            [
              `${name} is ${what}`,
              ({ path, body }: Scene): [string, RequestInit] => [
                fill(operation.path, path),
                json(replaced(body, name, text)),
              ],
            ] as const,
        ),
    );
    expect(await sendEach(operation, requests)).toEqual([]);
  });
});

test.each(WITH_PARAMETERS)('%s says what is wrong with its path', async (_, operation) => {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const requests = names.flatMap((name) =>
    HOSTILE_SEGMENTS.map(
      (segment) =>
        [
          `${name} is ${segment.slice(0, 20)}`,
          ({ path, body }: Scene): [string, RequestInit] => [
            fill(operation.path, { ...path, [name]: segment }),
            operation.members ? json(JSON.stringify(body)) : {},
          ],
        ] as const,
    ),
  );
  expect(await sendEach(operation, requests)).toEqual([]);
});

test.each(WITH_QUERY)('%s says what is wrong with its query', async (_, operation) => {
  const requests = operation.query.flatMap((name) =>
    HOSTILE_QUERIES.map(
      (value) =>
        [
          `${name} is ${value.slice(0, 20)}`,
          ({ path }: Scene): [string, RequestInit] => [`${fill(operation.path, path)}?${name}=${value}`, {}],
        ] as const,
    ),
  );
  expect(await sendEach(operation, requests)).toEqual([]);
});

test('nothing was left on the prototypes of this process', () => {
  expect(({} as { admin?: unknown }).admin).toBeUndefined();
});
