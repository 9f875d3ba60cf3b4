import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import { caughtUp, type FeedFollower, type FeedRow, followFeed, rowFor } from '../support/feed-follower.ts';
import {
  type AgentParty,
  administer,
  adminToken,
  asAdmin,
  createPerson,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../support/parties.ts';
import { basic, bearer, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { auditEvents, derive, open, type OpenTask, revoke } from '../support/token-requests.ts';

let server: TestServer;
let api: ResourceServerParty;
let agent: AgentParty;
const followers: FeedFollower[] = [];

beforeAll(async () => {
  server = await startServer({
    settings: { revocations: { followersPerClient: 3 } },
    env: { RATE_LIMIT_AUTHENTICATION_FAILURES_PER_CLIENT: '5' },
  });
  api = await registerResourceServer(server);
  agent = await registerAgent(server);
});
afterAll(async () => {
  for (const follower of followers) await follower.close();
  await server.stop();
});

async function follow(query = '', headers: Record<string, string> = api.headers): Promise<FeedFollower> {
  const follower = await followFeed(server, headers, query);
  followers.push(follower);
  return follower;
}

async function page(query = '', headers: Record<string, string> = api.headers) {
  const answer = await send(server, `/api/revocations${query}`, { headers });
  expect(answer.status).toBe(200);
  return answer.body as { revocations: FeedRow[]; next: number; head: number; at: number };
}

const handleOf = (task: OpenTask): string => task.body.task.handle;

async function endTask(task: OpenTask): Promise<string> {
  const answer = await asAdmin(server, 'POST', `/api/tasks/${task.taskId}/revoke`, {});
  expect(answer.status).toBe(200);
  return handleOf(task);
}

const aRevokedTask = async () => endTask(await open(server, agent));

describe('reading what was revoked', () => {
  test('every way to end something is a row with the handle that tokens carry', async () => {
    const before = (await page()).head;
    const person = await createPerson(server);
    const browser = browserOf(server, person);
    const web = await registerAgent(server, {
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code'],
    });
    const approved = await authorize(server, { agent: web, browser, form: { scope: 'reports:read' } });
    const [task, whole, alone] = [
      await open(server, agent),
      await open(server, agent),
      await open(server, agent),
    ];
    await endTask(task);
    await revoke(server, agent, whole.token);
    await revoke(server, agent, alone.token, { revoke_children: 'false' });
    const { grant } = approved.body.task;
    await administer(server, 'POST', `/api/admin/users/${person.userId}/consents/${grant}/revoke`, {});
    await administer(server, 'POST', `/api/agents/${web.clientId}/suspend`, {});
    await administer(server, 'POST', `/api/admin/users/${person.userId}/disable`, {});

    const { revocations, next, head, at } = await page(`?after=${before}`);
    expect(revocations.map(([, ...row]) => row)).toEqual([
      ['task', handleOf(task), 0],
      ['token', whole.tokenId, 0],
      ['token_self', alone.tokenId, 0],
      ['grant', grant, 0],
      ['agent', web.clientId, 1],
      ['user', person.userId, expect.any(Number)],
    ]);
    expect([next, head]).toEqual([revocations.at(-1)?.[0], revocations.at(-1)?.[0]]);
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
  });

  test('page by page from the first is all there is, in its order, and is never cached', async () => {
    for (let i = 0; i < 4; i += 1) await aRevokedTask();
    const all = await page();
    const paged: FeedRow[] = [];
    for (let next = 0, head = -1; next !== head; ) {
      const part = await page(`?after=${next}&limit=3`);
      expect(part.revocations.length).toBeLessThanOrEqual(3);
      paged.push(...part.revocations);
      ({ next, head } = part);
    }
    expect(paged).toEqual(all.revocations);
    expect(paged.map(([seq]) => seq)).toEqual(paged.map(([seq]) => seq).toSorted((a, b) => a - b));
    const answer = await send(server, '/api/revocations', { headers: api.headers });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('one row ends a whole tree, and nothing is written for what is below', async () => {
    const root = await open(server, agent);
    const child = await derive(server, root);
    await derive(server, child);
    const { head } = await page();
    await endTask(root);
    expect((await page(`?after=${head}`)).revocations.map(([, ...row]) => row)).toEqual([
      ['task', handleOf(root), 0],
    ]);
  });

  test('a place beyond the end is of another ledger: the answer begins anew', async () => {
    const all = await page();
    expect(await page('?after=999999')).toMatchObject({ revocations: all.revocations, next: all.next });
    const part = await page('?after=999999&limit=2');
    expect(part.revocations).toEqual(all.revocations.slice(0, 2));
    expect(part.next).toBeLessThan(part.head);
  });

  test.each(['?after=-1', '?after=x', '?limit=0', '?limit=10001', '?wait=26', '?since=1'])(
    '%s is refused',
    async (query) => {
      const answer = await send(server, `/api/revocations${query}`, { headers: api.headers });
      expect(answer).toMatchObject({ status: 400, body: { code: 'request_invalid' } });
    },
  );
});

describe('waiting for what is revoked', () => {
  test('a request is held until something comes', async () => {
    const { head } = await page();
    const waiting = page(`?after=${head}&wait=20`);
    await setTimeout(100);
    const handle = await aRevokedTask();
    const ended = performance.now();
    const { revocations } = await waiting;
    expect(performance.now() - ended).toBeLessThan(1000);
    expect(revocations.map(([, , one]) => one)).toEqual([handle]);
  });

  test('or the time is over; the answer is of that moment', async () => {
    const { head } = await page();
    const began = Date.now();
    const { revocations, next, at } = await page(`?after=${head}&wait=1`);
    expect([revocations, next]).toEqual([[], head]);
    expect(at - began).toBeGreaterThan(800);
  });

  test('what is there already is not waited for', async () => {
    const began = performance.now();
    expect((await page('?wait=20')).revocations.length).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('following', () => {
  test('tells everything from the start, then what is revoked, at once and in its order', async () => {
    const known = await page();
    const follower = await follow();
    expect([
      follower.status,
      follower.headers.get('content-type'),
      follower.headers.get('cache-control'),
    ]).toEqual([200, 'text/event-stream', 'no-store']);
    await follower.until(caughtUp);
    expect(follower.rows()).toEqual(known.revocations);
    const handles: string[] = [];
    for (let i = 0; i < 5; i += 1) handles.push(await aRevokedTask());
    await follower.until(rowFor(handles.at(-1) ?? ''));
    expect(
      follower
        .rows()
        .slice(known.revocations.length)
        .map(([, , one]) => one),
    ).toEqual(handles);
    const [last] = follower.rows().at(-1) ?? [];
    await follower.until(({ heads }) => heads().find(({ head }) => head === last));
    expect(follower.lastId()).toBe(last);
    await follower.close();
  });

  test('proves every second that nothing happened', async () => {
    const follower = await follow();
    await follower.until(({ heads }) => (heads().length >= 4 ? true : undefined));
    const heads = follower.messages.filter(({ event }) => event === 'head');
    for (const [i, { at, data }] of heads.entries()) {
      expect(data.head).toBe(heads[0]?.data.head);
      const before = heads[i - 1];
      if (!before) continue;
      expect(at - before.at).toBeLessThan(1500);
      expect(data.at).toBeGreaterThan(before.data.at);
    }
    await follower.close();
  });

  test('goes on where it was cut, without a gap and without a repetition', async () => {
    const first = await follow();
    await first.until(caughtUp);
    const seen = await aRevokedTask();
    await first.until(rowFor(seen));
    const [last, rows] = [first.lastId(), first.rows()];
    await first.close();
    const missed = [await aRevokedTask(), await aRevokedTask()];
    const second = await follow('', { ...api.headers, 'last-event-id': String(last) });
    await second.until(rowFor(missed[1] ?? ''));
    expect(second.rows().map(([, , one]) => one)).toEqual(missed);
    expect([...rows, ...second.rows()]).toEqual((await page()).revocations);
    await second.close();
    // The query says the same, for clients that cannot set the header.
    const third = await follow(`?after=${last}`);
    await third.until(caughtUp);
    expect(third.rows()).toEqual(second.rows());
    await third.close();
  });

  test('tells a place beyond the end that the ledger is another one, and begins anew', async () => {
    const follower = await follow('?after=999999');
    await follower.until(caughtUp);
    expect(follower.messages[0]).toMatchObject({ event: 'reset', id: 0 });
    expect(follower.rows()).toEqual((await page()).revocations);
    await follower.close();
  });

  test.each(['-1', 'abc', '1.5', '99999999999999999999'])('an id %s was never sent', async (id) => {
    const headers = { ...api.headers, 'last-event-id': id };
    expect(await send(server, '/api/revocations/stream', { headers })).toMatchObject({ status: 400 });
  });

  test('a look at the headers takes no place', async () => {
    for (let i = 0; i < 5; i += 1) {
      const head = await send(server, '/api/revocations/stream', { method: 'HEAD', headers: api.headers });
      expect(head.status).toBe(200);
    }
  });
});

describe('who may follow', () => {
  const paths = ['/api/revocations', '/api/revocations/stream'];

  test.each(paths)('%s: nobody without credentials', async (path) => {
    const answer = await send(server, path);
    expect(answer).toMatchObject({ status: 401, body: { code: 'token_required' } });
    expect(answer.headers.get('www-authenticate')).toBe(
      'Basic realm="taskgrant", charset="UTF-8", Bearer scope="admin:read"',
    );
  });

  test.each(paths)('%s: an agent is authenticated, and may not', async (path) => {
    const answer = await send(server, path, { headers: agent.headers });
    expect(answer).toMatchObject({ status: 403, body: { code: 'unauthorized_client' } });
  });

  test.each(paths)('%s: a token needs admin:read, for the server’s own API', async (path) => {
    const task = await open(server, agent);
    const answer = await send(server, path, { headers: bearer(task.token) });
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } });
  });

  test('an administrator with admin:read', async () => {
    const headers = bearer(await adminToken(server));
    expect((await page('', headers)).revocations.length).toBeGreaterThan(0);
    const follower = await follow('', headers);
    await follower.until(caughtUp);
    await follower.close();
  });

  test('credentials may be form-urlencoded, as RFC 6749 asks', async () => {
    const encode = (text: string) => text.replaceAll(/[-_]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);
    const headers = basic(encode(api.clientId), encode(api.clientSecret));
    expect(headers).not.toEqual(api.headers);
    await page('', headers);
  });

  test('a wrong secret is refused, recorded, and after some not even looked at', async () => {
    const wrong = basic('api-of-somebody', 'wrong');
    const answers = [];
    for (let i = 0; i < 7; i += 1) answers.push(await send(server, '/api/revocations', { headers: wrong }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(answers[0]?.body).toMatchObject({ code: 'invalid_client' });
    const [recorded] = await auditEvents(server, { event_type: 'client_authentication_failed' });
    expect(recorded).toMatchObject({ status: 'refused', details: { route: '/api/revocations' } });
    expect(JSON.stringify(recorded)).not.toContain('wrong');
    // Another client at the same address is let in.
    await page();
  });

  test.each(['', 'Basic', 'Basic !!!', `Basic ${btoa('no colon')}`, `Basic ${btoa('a%zz:b')}`])(
    'Authorization: %s proves nothing',
    async (authorization) => {
      expect((await send(server, '/api/revocations', { headers: { authorization } })).status).toBe(401);
    },
  );

  test('each opening of a stream counts for the client, not for its address', async () => {
    const follower = await follow();
    expect(follower.headers.get('ratelimit-policy')).toMatch(/^"resource-server"/);
    await follower.close();
  });

  test('a resource server that is deleted is told so, and no more', async () => {
    const gone = await registerResourceServer(server);
    const follower = await follow('', gone.headers);
    await follower.until(caughtUp);
    await administer(server, 'DELETE', `/api/admin/resource-servers/${gone.clientId}`);
    expect(await follower.over).toBe('end');
    expect(follower.rows().at(-1)).toEqual([expect.any(Number), 'agent', gone.clientId, 1]);
    expect((await follow('', gone.headers)).status).toBe(401);
  });

  test('a stream ends with the token that it was opened with', async () => {
    const admin = await administer(server, 'POST', '/api/agents/register', {
      agent_name: 'Auditor',
      permissions: ['admin:read'],
    });
    await administer(server, 'POST', '/api/agents/activate', {
      registration_token: admin.credentials.registration_token,
    });
    const { client_id: clientId, client_secret: clientSecret } = admin.credentials;
    const auditor = { clientId, clientSecret, headers: basic(clientId, clientSecret) };
    const task = await open(server, auditor, { resource: server.apiAudience, scope: 'admin:read' });
    const follower = await follow('', bearer(task.token));
    await follower.until(caughtUp);
    await endTask(task);
    expect(await follower.over).toBe('end');
    expect(follower.rows().at(-1)?.[2]).toBe(handleOf(task));
  });
});

describe('more followers than there may be', () => {
  test('are told to come back, until one leaves', async () => {
    const crowd = await registerResourceServer(server);
    const places = [];
    for (let i = 0; i < 3; i += 1) places.push(await follow('', crowd.headers));
    expect(places.map(({ status }) => status)).toEqual([200, 200, 200]);
    const late = await follow('', crowd.headers);
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1']);
    const waiting = await send(server, '/api/revocations?after=0&wait=5&limit=1', { headers: crowd.headers });
    // What need not wait takes no place.
    expect(waiting.status).toBe(200);
    const other = await follow();
    expect(other.status).toBe(200);
    await other.close();
    await places[0]?.close();
    const again = await untilAdmitted(crowd.headers);
    expect(again.status).toBe(200);
    for (const one of [...places.slice(1), again]) await one.close();
  });

  /** The server notices a moment later that somebody has left. */
  async function untilAdmitted(headers: Record<string, string>): Promise<FeedFollower> {
    for (let attempt = 0; ; attempt += 1) {
      const follower = await follow('', headers);
      if (follower.status === 200 || attempt === 40) return follower;
      await setTimeout(25);
    }
  }
});
