import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Guard, protect, type ProtectOptions } from '@taskgrant/sdk/resource';
import {
  administer,
  type AgentParty,
  registerAgent,
  registerResourceServer,
  type ResourceServerParty,
} from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { open } from '../../../test/support/token-requests.ts';
import { AUDIENCE, claimsOf, type FakeIssuer, fakeIssuer, ISSUER } from './fake-issuer.ts';
import { guardOf, statusOf, withToken } from './protected-api.ts';

const CREDENTIALS = { clientId: 'rs_api', clientSecret: 's:e/c r€t' };

describe('an API that introspects', () => {
  let issuer: FakeIssuer;
  let now: number;
  let guards: Guard[] = [];

  beforeEach(() => {
    issuer = fakeIssuer();
    now = Date.now();
    issuer.introspected = { active: true, token_type: 'Bearer', ...claimsOf() };
  });
  afterEach(() => {
    for (const guard of guards) guard.close();
    guards = [];
  });

  function asking(over: Partial<ProtectOptions> = {}): Guard {
    const clock = { now: () => now };
    const options = {
      issuer: ISSUER,
      audience: AUDIENCE,
      credentials: CREDENTIALS,
      fetch: issuer.fetch,
      clock,
    };
    const guard = protect({ ...options, mode: 'introspection', ...over });
    guards.push(guard);
    return guard;
  }

  const questions = () => issuer.asked.length;

  test('asks at every request, so that nothing is ever old', async () => {
    const guard = asking();
    expect([await statusOf(guard, 'opaque'), await statusOf(guard, 'opaque')]).toEqual([200, 200]);
    issuer.introspected = { active: false };
    expect(await statusOf(guard, 'opaque')).toBe(401);
    expect(questions()).toBe(3);
  });

  test('proves itself as RFC 6749 §2.3.1 has it, and sends the token in the body', async () => {
    let sent: RequestInit = {};
    const { fetch } = issuer;
    const watched: typeof fetch = (input, init) => {
      sent = init ?? {};
      return fetch(input, init);
    };
    await statusOf(asking({ fetch: watched }), 'opaque');
    const { authorization } = sent.headers as Record<string, string>;
    expect(Buffer.from(authorization?.split(' ')[1] ?? '', 'base64').toString()).toBe(
      'rs_api:s%3Ae%2Fc+r%E2%82%ACt',
    );
    expect(sent).toMatchObject({ body: new URLSearchParams({ token: 'opaque' }), redirect: 'manual' });
  });

  test('asks for its credentials each time, where they may change', async () => {
    let asked = 0;
    const guard = asking({
      credentials: () => {
        asked += 1;
        return CREDENTIALS;
      },
    });
    await statusOf(guard, 'a');
    await statusOf(guard, 'b');
    expect(asked).toBe(2);
  });

  test.each([
    ['for another API', { aud: 'https://other.example.com' }],
    ['without an audience', { aud: undefined }],
    ['of another issuer', { iss: 'https://evil.example.com' }],
    ['that has expired', { exp: 1 }],
    ['that is active in name only', { active: 'true' }],
  ])('believes no answer about a token %s', async (_what, over) => {
    issuer.introspected = { ...issuer.introspected, ...over };
    expect(await statusOf(asking(), 'opaque')).toBe(401);
  });

  test.each([
    ['is away', 'away', 503],
    ['fails', 500, 503],
    ['does not know the credentials', 401, 503],
    ['sends it elsewhere', 302, 503],
  ] as const)('lets nobody in when the server %s', async (_what, mode, status) => {
    issuer.mode = mode;
    const answer = await asking().authenticate(withToken('opaque'));
    expect(answer).toMatchObject({ status, reason: 'server_unavailable', headers: { 'retry-after': '1' } });
  });

  test.each([
    ['fail', () => Promise.reject(new Error('vault: sealed'))],
    ['never come', () => new Promise<never>(() => {})],
  ])('lets nobody in, in time, when the credentials %s', async (_what, credentials) => {
    const answer = await asking({ credentials, timeout: 30 }).authenticate(withToken('opaque'));
    expect(answer).toMatchObject({ status: 503, reason: 'server_unavailable' });
    expect(questions()).toBe(0);
  });

  test('lets nobody in when the server fails and its answer is cut off, too', async () => {
    const cut = new ReadableStream({ start: (controller) => controller.error(new TypeError('terminated')) });
    const fetch = async () => new Response(cut, { status: 502 });
    const answer = await asking({ fetch }).authenticate(withToken('opaque'));
    expect(answer).toMatchObject({ status: 503, reason: 'server_unavailable' });
  });

  test('never asks about what cannot be a token', async () => {
    const headers = { authorization: 'Bearer not a token' };
    const answer = await asking().authenticate({ method: 'GET', url: '/', headers });
    expect(answer).toMatchObject({ status: 401, reason: 'token_unreadable' });
    expect(questions()).toBe(0);
  });

  describe('and remembers answers', () => {
    test('asks once for many who bring the same token at once, and for each token', async () => {
      const guard = asking({ cache: 60 });
      const tokens = Array.from({ length: 30 }, (_, i) => `opaque-${i % 3}`);
      const statuses = await Promise.all(tokens.map((token) => statusOf(guard, token)));
      expect([new Set(statuses), questions()]).toEqual([new Set([200]), 3]);
    });

    test('remembers what is not live, too', async () => {
      const guard = asking({ cache: 60 });
      issuer.introspected = { active: false };
      expect([await statusOf(guard, 'dead'), await statusOf(guard, 'dead'), questions()]).toEqual([
        401, 401, 1,
      ]);
    });

    test('never longer than it was told to', async () => {
      const guard = asking({ cache: 0.05 });
      expect(await statusOf(guard, 'opaque')).toBe(200);
      issuer.introspected = { active: false };
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect([await statusOf(guard, 'opaque'), questions()]).toEqual([401, 2]);
    });

    test('nor while the computer sleeps', async () => {
      const guard = asking({ cache: 30 });
      expect(await statusOf(guard, 'opaque')).toBe(200);
      issuer.introspected = { active: false };
      const slept = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
      expect([await statusOf(guard, 'opaque'), questions()]).toEqual([401, 2]);
      slept.mockRestore();
    });

    test('never beyond the end of the token', async () => {
      const guard = asking({ cache: 3600 });
      expect(await statusOf(guard, 'opaque')).toBe(200);
      now += 601_000;
      expect([await statusOf(guard, 'opaque'), questions()]).toEqual([401, 1]);
    });

    test('but no failure', async () => {
      const guard = asking({ cache: 60 });
      issuer.mode = 'away';
      expect(await statusOf(guard, 'opaque')).toBe(503);
      issuer.mode = 'well';
      expect(await statusOf(guard, 'opaque')).toBe(200);
    });

    test('for a bounded number of tokens', async () => {
      const guard = asking({ cache: 60, rememberTokens: 2 });
      for (const token of ['a', 'b', 'c', 'c', 'b', 'a']) await statusOf(guard, token);
      expect(questions()).toBe(4);
    });
  });
});

describe('with the server itself', () => {
  let server: TestServer;
  let agent: AgentParty;
  let opaque: ResourceServerParty;
  let api: ResourceServerParty;

  beforeAll(async () => {
    server = await startServer();
    agent = await registerAgent(server);
    opaque = await registerResourceServer(server, { token_format: 'opaque' });
    api = await registerResourceServer(server);
  });
  afterAll(() => server.stop());

  const openFor = ({ audience }: ResourceServerParty, form = {}) =>
    open(server, agent, { scope: 'reports:read', resource: audience, ...form });

  test('opaque tokens are accepted, refused after their task, and tell what JWTs tell', async () => {
    const guard = guardOf(server, opaque, { mode: 'introspection' });
    const task = await openFor(opaque, { required_tools: 'search' });
    const answer = await guard.authenticate(withToken(task.token));
    expect(answer).toMatchObject({
      accepted: true,
      access: {
        tokenId: task.tokenId,
        subject: agent.clientId,
        scope: ['reports:read'],
        tools: ['search'],
        task: { id: task.taskId, root: task.taskId, depth: 0, parentId: undefined },
      },
    });
    await administer(server, 'POST', `/api/tasks/${task.taskId}/revoke`, {});
    expect(await statusOf(guard, task.token)).toBe(401);
    guard.close();
  });

  test('opaque tokens are refused offline, or asked about where that is wanted', async () => {
    const { token } = await openFor(opaque);
    const strict = guardOf(server, opaque);
    const lenient = guardOf(server, opaque, { fallback: 'introspection' });
    expect([await statusOf(strict, token), await statusOf(lenient, token)]).toEqual([401, 200]);
    strict.close();
    lenient.close();
  });

  test('every way of checking tells the same of a JWT', async () => {
    const modes = ['introspection', 'offline', 'live'] as const;
    const task = await openFor(api);
    const told = [];
    for (const mode of modes) {
      const guard = guardOf(server, api, { mode });
      const answer = await guard.authenticate(withToken(task.token));
      told.push(answer.accepted ? { ...answer.access, tools: undefined } : answer);
      guard.close();
    }
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    expect(told[0]).toMatchObject({ tokenId: task.tokenId, clientId: agent.clientId });
  });

  test('a token that lives longer than revocations are remembered is not judged here', async () => {
    const { token } = await openFor(api);
    const brief = guardOf(server, api, { maxTokenLifetime: 60 });
    const asking = guardOf(server, api, { maxTokenLifetime: 60, fallback: 'introspection' });
    expect([await statusOf(brief, token), await statusOf(asking, token)]).toEqual([401, 200]);
    brief.close();
    asking.close();
  });
});
