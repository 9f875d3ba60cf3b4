import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgent, type Task } from '@taskgrant/sdk/agent';
import { administer, type AgentParty, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { type RunningApi, startApi } from '../support/api.ts';

/** `task.fetch`: what goes along, and where it does not go. */
let server: TestServer;
let party: AgentParty;
const apis: RunningApi[] = [];

beforeAll(async () => {
  server = await startServer();
  party = await registerAgent(server);
});
afterEach(async () => {
  await Promise.all(apis.splice(0).map((api) => api.stop()));
});
afterAll(() => server.stop());

/** An API that is registered as an audience of the server. */
async function anApi(
  answer: Parameters<typeof startApi>[0],
  path = '',
): Promise<RunningApi & { audience: string }> {
  const api = await startApi(answer);
  apis.push(api);
  const audience = `${api.origin}${path}`;
  await administer(server, 'POST', '/api/admin/resource-servers', { name: 'An API', audiences: [audience] });
  return { ...api, audience };
}

function taskFor(audience: string | string[], options: object = {}, dpop?: true): Promise<Task> {
  const { clientId, clientSecret } = party;
  const agent = createAgent({ issuer: server.issuer, clientId, clientSecret, dpop });
  return agent.task({ audience, ...options });
}

const ok = (_request: unknown, response: { end(text: string): void }) => response.end('ok');

describe('a request of a task', () => {
  test('carries the token, the task and its parents', async () => {
    const api = await anApi(ok);
    const task = await taskFor(api.audience);
    const child = await task.child({});
    await child.fetch(`${api.origin}/notes?page=2`, {
      method: 'post',
      body: 'hello',
      headers: { 'x-mine': 'kept' },
    });
    expect(api.seen[0]).toMatchObject({ method: 'POST', url: '/notes?page=2', body: 'hello' });
    expect(api.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${await child.accessToken()}`,
      'x-task-id': child.id,
      'x-parent-task-id': task.id,
      'x-parent-token-id': task.answer.token_id,
      'x-mine': 'kept',
    });
  });

  test('may be a Request, with its body', async () => {
    const api = await anApi(ok);
    const task = await taskFor(api.audience);
    const asked = new Request(`${api.origin}/x`, {
      method: 'PUT',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await (await task.fetch(asked)).text()).toBe('ok');
    expect(api.seen[0]).toMatchObject({ method: 'PUT', body: '{"a":1}' });
    expect(api.seen[0]?.headers['content-type']).toBe('application/json');
  });

  test('goes to no origin that the task is not for, unless it was named', async () => {
    const api = await anApi(ok);
    const elsewhere = await startApi(ok);
    apis.push(elsewhere);
    const task = await taskFor(api.audience);
    await expect(task.fetch(elsewhere.origin)).rejects.toMatchObject({ code: 'origin_refused' });
    const sibling = new URL(api.origin);
    sibling.hostname = 'localhost';
    await expect(task.fetch(sibling)).rejects.toMatchObject({ code: 'origin_refused' });
    expect([...elsewhere.seen, ...api.seen]).toEqual([]);
    const trusting = await taskFor(api.audience, { origins: [elsewhere.origin] });
    expect((await trusting.fetch(elsewhere.origin)).status).toBe(200);
    expect(elsewhere.seen[0]?.headers.authorization).toMatch(/^Bearer /);
  });

  test('has the token of the API that it goes to, when the task is for several', async () => {
    const [one, other] = await Promise.all([anApi(ok, '/one'), anApi(ok, '/other')]);
    const task = await taskFor([one.audience, other.audience]);
    await Promise.all([
      task.fetch(`${one.audience}/a`),
      task.fetch(`${other.audience}/b`),
      task.fetch(`${other.audience}/c`),
    ]);
    const audienceOf = (api: RunningApi) => {
      const [, token = ''] = (api.seen[0]?.headers.authorization ?? '').split(' ');
      return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).aud as string;
    };
    expect(audienceOf(one)).toBe(one.audience);
    expect(audienceOf(other)).toBe(other.audience);
    expect(other.seen[0]?.headers.authorization).toBe(other.seen[1]?.headers.authorization);
    // What all of it holds is still there for children and hand-offs.
    expect((await task.child({})).answer.task?.audiences).toEqual([one.audience, other.audience]);
  });
});

describe('a redirect', () => {
  test('within the origin is followed, with the token', async () => {
    const api = await anApi((request, response) => {
      if (request.url === '/old') response.writeHead(307, { location: '/new' }).end();
      else if (request.url === '/form') response.writeHead(303, { location: '/done' }).end();
      else response.end(request.url);
    });
    const task = await taskFor(api.audience);
    const kept = await task.fetch(`${api.origin}/old`, { method: 'POST', body: 'again' });
    expect(await kept.text()).toBe('/new');
    expect(api.seen[1]).toMatchObject({ method: 'POST', body: 'again' });
    const got = await task.fetch(`${api.origin}/form`, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expect(await got.text()).toBe('/done');
    expect(api.seen[3]).toMatchObject({ method: 'GET', body: '' });
    expect(api.seen[3]?.headers.authorization).toMatch(/^Bearer /);
    expect(api.seen[3]?.headers['content-type']).toBeUndefined();
  });

  test('to another origin is handed back, and nothing goes there', async () => {
    const elsewhere = await anApi(ok);
    const api = await anApi((_request, response) => {
      response.writeHead(302, { location: `${elsewhere.origin}/catch` }).end();
    });
    const task = await taskFor(api.audience);
    const response = await task.fetch(api.origin);
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe(`${elsewhere.origin}/catch`);
    expect(elsewhere.seen).toEqual([]);
  });

  test('that never ends is ended; one that is not wanted is refused or handed back', async () => {
    const api = await anApi((_request, response) => {
      response.writeHead(302, { location: '/again' }).end();
    });
    const task = await taskFor(api.audience);
    await expect(task.fetch(api.origin)).rejects.toMatchObject({ code: 'redirect_refused' });
    expect(api.seen).toHaveLength(6);
    await expect(task.fetch(api.origin, { redirect: 'error' })).rejects.toMatchObject({
      code: 'redirect_refused',
    });
    expect((await task.fetch(api.origin, { redirect: 'manual' })).status).toBe(302);
  });
});

describe('a 401', () => {
  test('is answered by one renewal for all requests under way', async () => {
    let refused = '';
    const api = await anApi((request, response) => {
      refused ||= request.headers.authorization ?? '';
      const good = request.headers.authorization !== refused;
      response.writeHead(
        good ? 200 : 401,
        good ? {} : { 'www-authenticate': 'Bearer error="invalid_token"' },
      );
      response.end(request.body);
    });
    const task = await taskFor(api.audience);
    const before = await task.accessToken();
    const responses = await Promise.all(
      ['a', 'b', 'c'].map((body) => task.fetch(api.origin, { method: 'POST', body })),
    );
    expect(await Promise.all(responses.map((response) => response.text()))).toEqual(['a', 'b', 'c']);
    const used = new Set(api.seen.map(({ headers }) => headers.authorization));
    expect(used).toEqual(new Set([`Bearer ${before}`, `Bearer ${await task.accessToken()}`]));
  });

  test('that stays is handed back', async () => {
    const api = await anApi((_request, response) => void response.writeHead(401).end());
    const task = await taskFor(api.audience);
    expect((await task.fetch(api.origin)).status).toBe(401);
    expect(api.seen).toHaveLength(2);
  });

  test.each([
    ['for a scope that is missing', 401, 'Bearer error="insufficient_scope"'],
    ['which is no 401', 403, 'Bearer error="insufficient_scope"'],
  ])('%s renews nothing', async (_what, status, challenge) => {
    const api = await anApi(
      (_request, response) => void response.writeHead(status, { 'www-authenticate': challenge }).end(),
    );
    const task = await taskFor(api.audience);
    expect((await task.fetch(api.origin)).status).toBe(status);
    expect(api.seen).toHaveLength(1);
  });

  test('of a body that cannot be sent again is handed back', async () => {
    const api = await anApi((_request, response) => void response.writeHead(401).end());
    const task = await taskFor(api.audience);
    const body = new Blob(['streamed']).stream();
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect((await task.fetch(api.origin, init)).status).toBe(401);
    expect(api.seen.map(({ body: sent }) => sent)).toEqual(['streamed']);
  });

  test('after which the server says that the task is over ends in that', async () => {
    const api = await anApi((_request, response) => void response.writeHead(401).end());
    const task = await taskFor(api.audience);
    await administer(server, 'POST', `/api/tasks/${task.id}/revoke`, {});
    await expect(task.fetch(api.origin)).rejects.toMatchObject({ taskError: 'task_not_active' });
  });
});

describe('a proof of possession', () => {
  test('goes with every request, each anew, for that very URL', async () => {
    const api = await anApi(ok);
    const task = await taskFor(api.audience, {}, true);
    await task.fetch(`${api.origin}/a?b=c`);
    await task.fetch(`${api.origin}/a?b=c`);
    const proofs = api.seen.map(({ headers }) => String(headers['dpop']).split('.')[1] ?? '');
    const claims = proofs.map((proof) => JSON.parse(Buffer.from(proof, 'base64url').toString()));
    expect(claims).toMatchObject([
      { htm: 'GET', htu: `${api.origin}/a` },
      { htm: 'GET', htu: `${api.origin}/a` },
    ]);
    expect(claims[0].jti).not.toBe(claims[1].jti);
    expect(api.seen[0]?.headers.authorization).toMatch(/^DPoP /);
  });

  test('is made with the nonce that the API asks for', async () => {
    const api = await anApi((request, response) => {
      const [, payload = ''] = String(request.headers['dpop']).split('.');
      const { nonce } = JSON.parse(Buffer.from(payload, 'base64url').toString());
      if (nonce === 'n-1') response.end('ok');
      else
        response
          .writeHead(401, { 'dpop-nonce': 'n-1', 'www-authenticate': 'DPoP error="use_dpop_nonce"' })
          .end();
    });
    const task = await taskFor(api.audience, {}, true);
    const before = await task.accessToken();
    expect((await task.fetch(api.origin)).status).toBe(200);
    expect((await task.fetch(api.origin)).status).toBe(200);
    expect(api.seen).toHaveLength(3);
    expect(await task.accessToken()).toBe(before);
  });
});

describe('an end', () => {
  test('of the task aborts the requests under way', async () => {
    const api = await anApi(() => undefined);
    const task = await taskFor(api.audience);
    const request = task.fetch(api.origin);
    while (api.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await task.revoke();
    await expect(request).rejects.toMatchObject({ code: 'task_ended' });
    await expect(task.fetch(api.origin)).rejects.toMatchObject({ code: 'task_ended' });
  });

  test('of the caller’s patience aborts one request alone', async () => {
    const api = await anApi((request, response) => {
      if (request.url === '/fast') response.end('ok');
    });
    const task = await taskFor(api.audience);
    const stop = new AbortController();
    const request = task.fetch(`${api.origin}/slow`, { signal: stop.signal });
    while (api.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new Error('too slow'));
    await expect(request).rejects.toThrow('too slow');
    expect((await task.fetch(`${api.origin}/fast`)).status).toBe(200);
  });
});
