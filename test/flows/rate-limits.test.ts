import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { connectRaw } from '../faults/raw-connection.ts';
import { browserOf } from '../support/browser-session.ts';
import { authorize, CALLBACK } from '../support/code-flow.ts';
import {
  type AgentParty,
  administer,
  adminToken,
  asAdmin,
  createPerson,
  pkce,
  registerAgent,
  registerResourceServer,
} from '../support/parties.ts';
import { type Answer, basic, bearer, type Form, postForm, postJson, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import {
  ADMIN,
  auditEvents,
  clientCredentials,
  eventually,
  open,
  requestToken,
  TOKEN_PATH,
} from '../support/token-requests.ts';

const LIMITS = {
  tiers: { free: 12, pro: 500, enterprise: 5000 },
  resourceServers: 40,
  anonymous: 20,
  authenticationFailures: { perSource: 8, perClient: 5 },
  refusedTokens: 4,
  registrations: 3,
};

/** Addresses that nobody else has used, as a proxy in front would tell them. */
let hosts = 0;
function elsewhere(): Record<string, string> {
  hosts += 1;
  return { 'x-forwarded-for': `198.51.${Math.floor(hosts / 250)}.${(hosts % 250) + 1}` };
}

interface Told {
  readonly policy: string;
  readonly limit: number;
  readonly remaining: number;
}

/** What the RateLimit fields say, policy by policy; fails unless they are structured fields of the draft. */
function told({ headers }: Pick<Answer, 'headers'>): Told[] {
  const [policies, states] = ['ratelimit-policy', 'ratelimit'].map((name) =>
    (headers.get(name) ?? '').split(', '),
  );
  expect(states).toHaveLength(policies?.length ?? 0);
  const listed = (policies ?? []).map((text, i) => {
    const policy = /^"([a-z-]+)";q=(\d+);w=(\d+)$/.exec(text);
    const state = /^"([a-z-]+)";r=(\d+);t=(\d+)$/.exec(states?.[i] ?? '');
    expect([text, state?.[1]]).toEqual([text, policy?.[1]]);
    expect(Number(state?.[3])).toBeGreaterThanOrEqual(1);
    expect(Number(state?.[3])).toBeLessThanOrEqual(Number(policy?.[3]));
    return { policy: policy?.[1] ?? '', limit: Number(policy?.[2]), remaining: Number(state?.[2]) };
  });
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
    Number(headers.get(`x-ratelimit-${name}`)),
  );
  expect(listed).toContainEqual(expect.objectContaining({ limit, remaining }));
  expect(remaining).toBe(Math.min(...listed.map((one) => one.remaining)));
  expect(Number(reset)).toBeGreaterThan(Date.now() / 1000 - 1);
  return listed;
}

function expectTooMany(answer: Answer, policy: string): void {
  expect(answer.status).toBe(429);
  const wait = Number(answer.headers.get('retry-after'));
  expect(wait).toBeGreaterThanOrEqual(1);
  expect(wait).toBeLessThanOrEqual(3600);
  expect(told(answer).find((one) => one.policy === policy)).toMatchObject({ remaining: 0 });
  if (/json/.test(answer.headers.get('content-type') ?? '')) expect(answer.body.retry_after).toBe(wait);
}

const OAUTH_TOO_MANY = {
  error: 'invalid_request',
  error_description: expect.stringMatching(/try again in \d+ seconds$/),
  retry_after: expect.any(Number),
};

describe.each(['sqlite', 'postgres'] as const)('limits on %s', (database) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ database, env: { TRUST_PROXY: '1' }, settings: { limits: LIMITS } });
  });
  afterAll(() => server.stop());

  const ask = (agent: AgentParty, form: Form = {}) =>
    clientCredentials(server, agent, { ...pkce().parameters, ...form });

  async function spend(count: number, request: () => Promise<Answer>): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (let i = 0; i < count; i += 1) answers.push(await request());
    return answers;
  }

  describe('of a client', () => {
    test('hold at every endpoint together, before anything is issued, and are on record', async () => {
      const agent = await registerAgent(server);
      const task = await open(server, agent);
      const use = (path: string, form: Form) => postForm(server, path, form, agent.headers);
      const answers = [
        await use('/api/oauth/introspect', { token: task.token }),
        await use('/api/oauth/verify', { token: task.token }),
        await use('/api/oauth/revoke', { token: 'unknown' }),
        await use('/api/oauth/par', { redirect_uri: CALLBACK }),
        await use(TOKEN_PATH, { grant_type: 'nothing' }),
        await send(server, `/api/tasks/${task.taskId}`, { headers: bearer(task.token) }),
      ];
      const left = answers.flatMap((answer) => told(answer).map(({ remaining }) => remaining));
      expect(left).toEqual([10, 9, 8, 7, 6, 5]);
      for (const answer of answers) expect(told(answer)).toMatchObject([{ policy: 'client', limit: 12 }]);

      const last = await spend(6, () => ask(agent));
      expect(last.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
      const refusals = [
        last[5] as Answer,
        await use('/api/oauth/introspect', { token: task.token }),
        await use('/api/oauth/verify', { token: task.token }),
        await use('/api/oauth/revoke', { token: task.token }),
        await use('/api/oauth/par', { redirect_uri: CALLBACK, response_type: 'code' }),
      ];
      for (const refused of refusals) {
        expectTooMany(refused, 'client');
        expect(refused.body).toEqual(OAUTH_TOO_MANY);
      }
      const resource = await send(server, `/api/tasks/${task.taskId}`, { headers: bearer(task.token) });
      expectTooMany(resource, 'client');
      expect(resource.body).toMatchObject({ code: 'rate_limited', status: 429, policy: 'client' });
      expect(resource.body.retry_after).toBe(Number(resource.headers.get('retry-after')));

      const { tokens } = await administer(
        server,
        'GET',
        `/api/admin/tokens/search?client_id=${agent.clientId}`,
      );
      expect(tokens).toHaveLength(6);
      const record = { reason: 'rate_limited', actor: agent.clientId, details: { policy: 'client' } };
      const about = { client_id: agent.clientId };
      // The first of them all is the pushed request that named no response type.
      const requests = await auditEvents(server, { ...about, event_type: 'request_refused' }, 6);
      expect(requests.slice(0, 5)).toMatchObject(Array(5).fill(record));
      expect(requests).toHaveLength(6);
      const paths = requests.map(({ details }: { details: { path?: string } }) => details.path);
      const endpoints = ['par', 'revoke', 'verify', 'introspect'].map((name) => `/api/oauth/${name}`);
      expect(paths.filter(Boolean).slice(0, 4)).toEqual(endpoints);
      const [latest] = await auditEvents(server, { ...about, event_type: 'token_refused' }, 2);
      expect(latest).toMatchObject(record);
    });

    test('are those of its tier, and follow it, at the OAuth endpoints at once and at our API soon', async () => {
      const agent = await registerAgent(server);
      for (const [tier, limit] of Object.entries(LIMITS.tiers)) {
        await administer(server, 'PUT', `/api/agents/${agent.clientId}`, { tier });
        const answers = await spend(tier === 'free' ? 2 : 20, () => ask(agent));
        for (const answer of answers) expect(answer.status).toBe(200);
        // The first of them may tell what was remembered.
        for (const answer of answers.slice(1))
          expect(told(answer)).toMatchObject([{ policy: 'client', limit }]);
        // Its tier may be ten seconds old there.
        server.clock.advance(11);
        const headers = bearer(answers[0]?.body.access_token);
        const own = await send(server, '/api/agents/me', { headers });
        expect([own.status, told(own)]).toMatchObject([200, [{ policy: 'client', limit }]]);
      }
    });

    test('refuse nobody who has just got a higher tier, wherever they ask next', async () => {
      const introspect = (agent: AgentParty) =>
        postForm(server, '/api/oauth/introspect', { token: 'x' }, agent.headers);
      for (const request of [ask, introspect]) {
        const agent = await registerAgent(server);
        const answers = await spend(13, () => request(agent));
        expectTooMany(answers[12] as Answer, 'client');
        await administer(server, 'PUT', `/api/agents/${agent.clientId}`, { tier: 'pro' });
        const next = await request(agent);
        expect(next.status).toBe(200);
        expect(told(next)).toEqual([{ policy: 'client', limit: 500, remaining: 487 }]);
      }
    });

    test('cannot be spent by others who name it', async () => {
      const agent = await registerAgent(server);
      await spend(7, () =>
        postForm(
          server,
          TOKEN_PATH,
          { grant_type: 'client_credentials' },
          { ...basic(agent.clientId, 'guess'), ...elsewhere() },
        ),
      );
      expect(told(await ask(agent))).toMatchObject([{ policy: 'client', remaining: 11 }]);
    });

    test('cannot be spent by others who name it when it is public, either', async () => {
      const made = await registerAgent(server, {
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'none',
      });
      const form = {
        grant_type: 'authorization_code',
        client_id: made.clientId,
        code: 'x',
        redirect_uri: CALLBACK,
      };
      const attacker = elsewhere();
      const answers = await spend(13, () => postForm(server, TOKEN_PATH, form, attacker));
      expectTooMany(answers[12] as Answer, 'client');
      const own = await postForm(server, TOKEN_PATH, form, elsewhere());
      expect(own.body.error).toBe('invalid_grant');
      expect(told(own)).toMatchObject([{ policy: 'client', remaining: 11 }]);
    });

    test('are another’s for a resource server', async () => {
      const api = await registerResourceServer(server);
      const introspect = () => postForm(server, '/api/oauth/introspect', { token: 'x' }, api.headers);
      const answers = await spend(41, introspect);
      expect(told(answers[0] as Answer)).toEqual([{ policy: 'resource-server', limit: 40, remaining: 39 }]);
      expect(answers[39]?.body).toEqual({ active: false });
      expectTooMany(answers[40] as Answer, 'resource-server');
    });

    test('hold for its tokens at /userinfo', async () => {
      const agent = await registerAgent(server, {
        redirect_uris: [CALLBACK],
        grant_types: ['authorization_code', 'client_credentials'],
      });
      const browser = browserOf(server, await createPerson(server));
      const { token } = await authorize(server, { agent, browser, form: { scope: 'openid' } });
      const userinfo = () => send(server, '/api/oauth/userinfo', { headers: bearer(token) });
      const answers = await spend(12, userinfo);
      expect(told(answers[0] as Answer)).toEqual([{ policy: 'client', limit: 12, remaining: 10 }]);
      expect(answers[10]?.status).toBe(200);
      expectTooMany(answers[11] as Answer, 'client');
      expectTooMany(await ask(agent), 'client');
    });
  });

  describe('of an address', () => {
    test('hold for what comes without a client: metadata, pages, our API, what is not there', async () => {
      const from = elsewhere();
      const get = (path: string) => send(server, path, { headers: from });
      const paths = [
        '/.well-known/oauth-authorization-server',
        '/.well-known/oauth-protected-resource',
        '/api/oauth/jwks',
        '/api/oauth/authorize?client_id=x',
        '/interaction/x',
        '/openapi.json',
        '/permissions/list',
        '/api/tasks/x',
        '/nothing/here',
        '/api/oauth/token',
      ];
      const left: number[] = [];
      for (const path of paths) {
        const [source, ...others] = told(await get(path));
        expect([path, source?.policy, source?.limit, others]).toEqual([path, 'source', 20, []]);
        left.push(source?.remaining ?? -1);
      }
      expect(left).toEqual([19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
      await spend(10, () => get('/permissions/list'));

      for (const path of ['/openapi.json', '/permissions/list', '/nothing/here', '/api/tasks/x']) {
        const answer = await get(path);
        expectTooMany(answer, 'source');
        expect(answer.body).toMatchObject({ code: 'rate_limited', policy: 'source' });
      }
      for (const path of ['/.well-known/oauth-authorization-server', '/api/oauth/jwks', '/api/oauth/token']) {
        const answer = await get(path);
        expectTooMany(answer, 'source');
        expect(answer.body).toEqual(OAUTH_TOO_MANY);
      }
      for (const path of ['/api/oauth/authorize?client_id=x', '/interaction/x', '/api/oauth/logout']) {
        const page = await get(path);
        expectTooMany(page, 'source');
        expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
        expect(page.text).toContain('<h1>Too many requests</h1>');
      }
      for (const path of ['/health/live', '/health/ready', '/health']) {
        const probe = await get(path);
        expect([path, probe.status, probe.headers.get('ratelimit')]).toEqual([path, 200, null]);
      }
      // Who has proved who they are is not held up by strangers behind the same address.
      const agent = await registerAgent(server);
      const good = { grant_type: 'client_credentials', ...pkce().parameters };
      expect((await postForm(server, TOKEN_PATH, good, { ...agent.headers, ...from })).status).toBe(200);
      expect((await send(server, '/permissions/list', { headers: elsewhere() })).status).toBe(200);
    });

    test('do not count what load balancers ask, whatever it brings along, and hold for whatever else is tried there', async () => {
      const from = elsewhere();
      const probes = ['/health/live', '/health/ready', '/health'] as const;
      for (const [i, path] of [...probes, ...probes, ...probes].entries()) {
        const headers = i < 6 ? from : { ...from, ...bearer('no-token'), dpop: 'no proof' };
        const method = i % 2 === 0 ? 'GET' : 'HEAD';
        expect((await send(server, path, { method, headers })).status).toBe(200);
      }
      expect(told(await send(server, '/openapi.json', { headers: from }))[0]?.remaining).toBe(19);
      const refused = [
        ['POST', '/health/live', 405],
        ['GET', '/health/live/', 404],
        ['GET', '/health/ready?a=%ff', 400],
      ] as const;
      for (const [i, [method, path, status]] of refused.entries()) {
        const answer = await send(server, path, { method, headers: from });
        expect([path, answer.status, told(answer)[0]?.remaining]).toEqual([path, status, 18 - i]);
      }
      await spend(20, () => send(server, '/health/live', { method: 'POST', headers: from }));
      expect((await send(server, '/health/ready', { headers: from })).status).toBe(200);
      expectTooMany(await send(server, '/health/live', { method: 'POST', headers: from }), 'source');
    });

    test('hold for what is refused by its spelling or its method, too', async () => {
      const from = elsewhere();
      const asked = [
        ['GET', '/health//live'],
        ['GET', '/api/tasks/x/'],
        ['GET', '/api/tasks/%5Cx'],
        ['OPTIONS', '/interaction/x'],
      ] as const;
      for (const [i, [method, path]] of [...asked, ...asked, ...asked, ...asked, ...asked].entries()) {
        const answer = await send(server, path, { method, headers: from });
        expect([path, answer.status]).toEqual([path, method === 'GET' ? 404 : 405]);
        expect(told(answer)).toEqual([{ policy: 'source', limit: 20, remaining: 19 - i }]);
      }
      for (const [method, path] of asked) {
        expectTooMany(await send(server, path, { method, headers: from }), 'source');
      }
    });

    test('hold for targets that are no path, and no URL either', async () => {
      const connection = await connectRaw(server.address);
      const fields = Object.entries({ host: 'a', ...elsewhere() }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      const ask = (target: string, ...more: string[]) =>
        connection.write(`${[`GET ${target} HTTP/1.1`, ...fields, ...more].join('\r\n')}\r\n\r\n`);
      for (const target of ['http://[a/', 'http://evil.example/health', '*', '//[']) ask(target);
      ask('/health#', 'connection: close');
      expect(await connection.ended).toBe('in order');
      const answers = connection.answers().map(({ status, head, body }) => ({
        status,
        code: JSON.parse(body).code,
        left: /^ratelimit: "source";r=(\d+)/im.exec(head)?.[1],
      }));
      const refused = { status: 400, code: 'request_target_invalid' };
      expect(answers).toEqual(['19', '18', '17', '16', '15'].map((left) => ({ ...refused, left })));
    });

    test('are on record as refusals', async () => {
      const from = elsewhere();
      await spend(21, () => send(server, '/nothing/here', { headers: from }));
      const [event] = await eventually(
        async () => {
          const events = await auditEvents(server, { event_type: 'request_refused' });
          return events.filter(
            ({ source_ip }: { source_ip: string }) => source_ip === from['x-forwarded-for'],
          );
        },
        (events) => events.length > 0,
      );
      expect(event).toMatchObject({
        reason: 'rate_limited',
        actor: null,
        details: { status: 429, policy: 'source' },
      });
    });

    test('hold for requests that break off before it is known who asks', async () => {
      const headers = elsewhere();
      const answers = await spend(21, () => send(server, TOKEN_PATH, { method: 'POST', headers, body: '' }));
      expect(answers.slice(0, 20).map(({ status }) => status)).toEqual(Array(20).fill(400));
      expectTooMany(answers[20] as Answer, 'source');
    });

    test('hold for access tokens that are refused, at our API and at /userinfo together', async () => {
      const headers = { ...bearer('no.such.token'), ...elsewhere() };
      const paths = ['/api/tasks/x', '/api/oauth/userinfo', '/api/admin/tokens', '/api/oauth/userinfo'];
      for (const path of paths) expect((await send(server, path, { headers })).status).toBe(401);
      for (const path of paths) expectTooMany(await send(server, path, { headers }), 'refused-token');
      const good = { ...headers, ...bearer(await adminToken(server)) };
      expectTooMany(await send(server, '/api/admin/tokens', { headers: good }), 'refused-token');
      expect((await asAdmin(server, 'GET', '/api/admin/tokens')).status).toBe(200);
    });

    test('that tokens have exhausted do not hold for who follows the ledger with credentials of its own', async () => {
      const from = elsewhere();
      const api = await registerResourceServer(server);
      const stranger = { ...from, ...bearer('no.such.token') };
      await spend(5, () => send(server, '/api/tasks/x', { headers: stranger }));
      const follow = (headers: Record<string, string>) =>
        send(server, '/api/revocations', { headers: { ...from, ...headers } });
      expect(told(await follow(api.headers))).toMatchObject([{ policy: 'resource-server' }]);
      expectTooMany(await follow(bearer(await adminToken(server))), 'refused-token');
    });

    test('give back registrations of which nothing came, but none that were refused for who asks', async () => {
      const json = { ...elsewhere(), 'content-type': 'application/json' };
      const post = (path: string, body: object, more: Record<string, string> = {}) =>
        send(server, path, {
          method: 'POST',
          headers: { ...json, ...more },
          body: JSON.stringify(body),
        });
      const client = { redirect_uris: ['https://c.example.com/cb'], token_endpoint_auth_method: 'none' };
      const dynamic = (over: object = {}, more: Record<string, string> = {}) =>
        post('/api/oauth/register', { ...client, ...over }, more);
      for (let i = 0; i < 2; i += 1) {
        const malformed = await dynamic({ redirect_uris: ['/relative'] });
        expect(malformed.status).toBe(400);
        expect(told(malformed)).toMatchObject([{ policy: 'source' }]);
        expect((await post('/api/agents/register', { agent_name: 'x' })).status).toBe(400);
      }
      const { store } = server.taskgrant;
      const away = new UnavailableError('database_unavailable', 'the database is away');
      const failing = jest.spyOn(store, 'commit').mockImplementation(async () => Promise.reject(away));
      expect((await dynamic()).status).toBe(503);
      expect((await post('/api/agents/register', { agent_name: 'New agent' })).status).toBe(503);
      failing.mockRestore();
      const key = { 'idempotency-key': 'a-key-that-nobody-could-guess-0123456789' };
      const [first, again] = [await dynamic({}, key), await dynamic({}, key)];
      expect([first.status, again.status]).toEqual([201, 201]);
      expect(again.body.client_id).toBe(first.body.client_id);
      expect((await dynamic({}, { authorization: 'Bearer guess' })).status).toBe(401);
      const last = await dynamic();
      expect(told(last).at(-1)).toEqual({ policy: 'registration', limit: 3, remaining: 0 });
      expectTooMany(await dynamic(), 'registration');
    });

    test('hold for registrations at both doors together, an administrator’s excepted', async () => {
      const headers = elsewhere();
      const json = { ...headers, 'content-type': 'application/json' };
      const client = { redirect_uris: ['https://c.example.com/cb'], token_endpoint_auth_method: 'none' };
      const dynamic = () =>
        send(server, '/api/oauth/register', { method: 'POST', headers: json, body: JSON.stringify(client) });
      const rest = (more: Record<string, string> = {}) =>
        send(server, '/api/agents/register', {
          method: 'POST',
          headers: { ...json, ...more },
          body: JSON.stringify({ agent_name: 'New agent' }),
        });
      expect((await dynamic()).status).toBe(201);
      expect((await rest()).status).toBe(201);
      const third = await dynamic();
      expect(third.status).toBe(201);
      expect(told(third)).toEqual([
        { policy: 'source', limit: 20, remaining: 17 },
        { policy: 'registration', limit: 3, remaining: 0 },
      ]);
      const refused = await dynamic();
      expectTooMany(refused, 'registration');
      expect(refused.body).toEqual(OAUTH_TOO_MANY);
      expectTooMany(await rest(), 'registration');
      const byAgent = await open(server, await registerAgent(server));
      expectTooMany(await rest(bearer(byAgent.token)), 'registration');
      expect((await rest(bearer(await adminToken(server)))).status).toBe(201);
    });
  });

  describe('of failed client authentications', () => {
    const guess = (clientId: string, from: Record<string, string>, secret = 'guess') =>
      requestToken(
        server,
        { headers: { ...basic(clientId, secret), ...from } },
        { grant_type: 'client_credentials', ...pkce().parameters },
      );

    test('[S17] hold per client and address, and stop the right secret from there too', async () => {
      const agent = await registerAgent(server);
      const from = elsewhere();
      const answers = await spend(7, () => guess(agent.clientId, from));
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
      expectTooMany(answers[5] as Answer, 'failed-authentication-client');
      expect(answers[5]?.body).toEqual(OAUTH_TOO_MANY);
      expect((await guess(agent.clientId, from, agent.clientSecret)).status).toBe(429);
      expect((await guess(agent.clientId, elsewhere(), agent.clientSecret)).status).toBe(200);
      const other = await registerAgent(server);
      expect((await guess(other.clientId, from, other.clientSecret)).status).toBe(200);
    });

    test('[S17] hold per client however its id is written', async () => {
      const clientId = 'some-client';
      const from = elsewhere();
      const statuses = [];
      for (let i = 0; i < 7; i += 1) {
        const escaped = `%${clientId.charCodeAt(i).toString(16)}`;
        const written = `${clientId.slice(0, i)}${escaped}${clientId.slice(i + 1)}`;
        const authorization = `Basic ${Buffer.from(`${written}:guess`).toString('base64')}`;
        const form = { grant_type: 'client_credentials', ...pkce().parameters };
        statuses.push((await postForm(server, TOKEN_PATH, form, { authorization, ...from })).status);
      }
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    });

    test('[S17] hold per address over all clients', async () => {
      const from = elsewhere();
      const statuses = [];
      for (let i = 0; i < 10; i += 1) statuses.push((await guess(`nobody-${i}`, from)).status);
      expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
    });

    test('[S17] answer no more attempts of a rush than the limit allows', async () => {
      const agent = await registerAgent(server);
      const from = elsewhere();
      const rush = await Promise.all(Array.from({ length: 20 }, () => guess(agent.clientId, from)));
      expect(rush.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
      expect(rush.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(15);
      const told401 = rush.filter(({ status }) => status === 429);
      for (const answer of told401) expect(answer.headers.get('www-authenticate')).toBeNull();
    });

    test('of unknown refresh tokens do not hold up those of other agents behind the same address', async () => {
      const from = elsewhere();
      const post = (path: string, body: object) => postJson(server, path, body, from);
      const { agent_id, api_key } = await administer(server, 'POST', '/agents/register', {
        name: 'Neighbour',
        owner_email: 'you@company.com',
        permissions: ['example:read'],
      });
      const { body: opened } = await post('/agents/verify', { agent_id, api_key });
      for (let i = 0; i < 5; i += 1) {
        const answer = await post('/agents/refresh', { refresh_token: `${i}${'x'.repeat(42)}` });
        expect(answer.status).toBe(400);
      }
      expect((await post('/agents/refresh', { refresh_token: opened.token.refresh_token })).status).toBe(200);
      const same = () => post('/agents/refresh', { refresh_token: 'x'.repeat(43) });
      expectTooMany((await spend(4, same))[3] as Answer, 'failed-authentication-source');
    });

    test('count nothing while they succeed', async () => {
      const agent = await registerAgent(server);
      const from = elsewhere();
      for (let i = 0; i < 11; i += 1)
        expect((await guess(agent.clientId, from, agent.clientSecret)).status).toBe(200);
    });
  });

  test('are told to scripts of other origins', async () => {
    const answer = await postForm(
      server,
      TOKEN_PATH,
      { grant_type: 'client_credentials', ...pkce().parameters },
      { ...ADMIN.headers, origin: 'https://app.example.com' },
    );
    const exposed = (answer.headers.get('access-control-expose-headers') ?? '').split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining(['RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-RateLimit-Remaining']),
    );
  });
});

test('RATE_LIMITS=off counts nothing and tells nothing', async () => {
  const server = await startServer({ env: { RATE_LIMITS: 'off' }, settings: { limits: LIMITS } });
  const answers = [];
  for (let i = 0; i < 25; i += 1) answers.push(await send(server, '/permissions/list'));
  await server.stop();
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(answers[0]?.headers.get('ratelimit')).toBeNull();
});
