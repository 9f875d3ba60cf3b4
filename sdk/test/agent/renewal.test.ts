import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAgent } from '@taskgrant/sdk/agent';
import { administer, type AgentParty, asAdmin, registerAgent } from '../../../test/support/parties.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { type Fate, type SentRequest, skippingClock, watch } from '../support/network.ts';

/** Tokens in memory: renewed before they expire, once for everybody who waits. */
let server: TestServer;
let party: AgentParty;
const LIFETIME = 600;

beforeAll(async () => {
  server = await startServer();
  party = await registerAgent(server);
});
afterAll(() => server.stop());

function agentOver(fateOf: (request: SentRequest) => Fate = () => 'pass') {
  const { clientId, clientSecret } = party;
  const network = watch(fateOf);
  const clock = skippingClock();
  const { fetch } = network;
  const agent = createAgent({ issuer: server.issuer, clientId, clientSecret, fetch, clock, maxRetries: 1 });
  const tokens = () => network.requests.filter(({ url }) => url.pathname.endsWith('/token')).length;
  return { agent, clock, tokens, network };
}

describe('the token of an agent', () => {
  test('is asked for once by any number of callers, and kept', async () => {
    const { agent, tokens, network } = agentOver();
    const all = await Promise.all(Array.from({ length: 20 }, () => agent.accessToken()));
    expect(new Set(all).size).toBe(1);
    expect(await agent.accessToken()).toBe(all[0]);
    expect(tokens()).toBe(1);
    expect(network.requests.filter(({ url }) => url.pathname.includes('well-known'))).toHaveLength(1);
  });

  test('is renewed shortly before it expires, by one request, for the same task', async () => {
    const { agent, clock, tokens } = agentOver();
    const task = await agent.task();
    const before = await task.accessToken();
    clock.advance(LIFETIME - 35);
    expect(await task.accessToken()).toBe(before);
    clock.advance(10);
    const renewed = await Promise.all(Array.from({ length: 10 }, () => task.accessToken()));
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(before);
    expect(tokens()).toBe(2);
    expect(task.answer.task_id).toBe(task.id);
  });

  test('goes on being used while the server is away, until it expires', async () => {
    let away = false;
    const { agent, clock } = agentOver(() => (away ? 'drop' : 'pass'));
    const task = await agent.task();
    const token = await task.accessToken();
    away = true;
    clock.advance(LIFETIME - 10);
    expect(await task.accessToken()).toBe(token);
    clock.advance(20);
    await expect(task.accessToken()).rejects.toMatchObject({ code: 'network_error', retryable: true });
    away = false;
    expect(await task.accessToken()).not.toBe(token);
  });

  test('belongs to a new task once the agent’s own task has run out', async () => {
    const { agent, clock } = agentOver();
    const old = await agent.current();
    clock.advance(3601);
    const fresh = await agent.current();
    expect(fresh.id).not.toBe(old.id);
  });

  test('is not renewed for a task that somebody revoked', async () => {
    const { agent, clock } = agentOver();
    const task = await agent.task();
    await administer(server, 'POST', `/api/tasks/${task.id}/revoke`, {});
    clock.advance(LIFETIME - 5);
    await expect(task.accessToken()).rejects.toMatchObject({
      taskError: 'task_not_active',
      retryable: false,
    });
  });

  test('a caller who gives up does not take it from the others', async () => {
    const { agent, tokens } = agentOver();
    const stop = new AbortController();
    const waiting = [
      agent.accessToken(),
      agent.accessToken(undefined, { signal: stop.signal }),
      agent.getAgent(party.clientId, { signal: stop.signal }),
      agent.fetch(`${server.issuer}/api/oauth/protected`, { signal: stop.signal }),
    ];
    stop.abort(new Error('gave up'));
    const [kept, ...left] = await Promise.allSettled(waiting);
    expect(kept?.status).toBe('fulfilled');
    expect(left.map((one) => one.status === 'rejected' && (one.reason as Error).message)).toEqual(
      left.map(() => 'gave up'),
    );
    expect(tokens()).toBe(1);
  });
});

test('a caller gives up at once while a token is renewed, whatever it is for', async () => {
  const clock = skippingClock();
  const { promise: silence, reject: end } = Promise.withResolvers<never>();
  let silent = false;
  const fetch: typeof globalThis.fetch = (input, init) => (silent ? silence : globalThis.fetch(input, init));
  const { issuer } = server;
  const agent = createAgent({ issuer, ...party, fetch, clock, maxRetries: 0 });
  const [task, another] = [await agent.task(), await agent.task()];
  agent.use(task);
  silent = true;
  clock.advance(LIFETIME - 5);
  const stop = new AbortController();
  const { signal } = stop;
  const waiting = [
    task.child({ signal }),
    task.delegate('agt_other', { signal }),
    agent.token.introspect({}, { signal }),
    another.revoke('no longer needed', { signal }),
  ];
  stop.abort(new Error('gave up'));
  for (const { reason } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
    expect(reason).toEqual(new Error('gave up'));
  }
  end(new Error('over'));
});

test('a caller gives up at once while the server does not even tell where its endpoints are', async () => {
  const stop = new AbortController();
  const { signal } = stop;
  const { promise: silence, reject: end } = Promise.withResolvers<never>();
  const { issuer } = server;
  const agent = createAgent({ issuer, ...party, fetch: () => silence, maxRetries: 0 });
  const waiting = [
    agent.task({ signal }),
    agent.authorization({ redirectUri: 'http://127.0.0.1/callback', signal }),
  ];
  stop.abort(new Error('gave up'));
  for (const { reason } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
    expect(reason).toEqual(new Error('gave up'));
  }
  end(new Error('over'));
});

describe('closing an agent', () => {
  test('revokes what it opened, forgets its secrets, and refuses everything after', async () => {
    const { agent, network } = agentOver();
    const task = await agent.task();
    const own = await agent.current();
    await agent.close();
    for (const { id } of [task, own]) {
      expect((await asAdmin(server, 'GET', `/api/tasks/${id}`)).body).toMatchObject({ state: 'revoked' });
    }
    await expect(agent.task()).rejects.toMatchObject({ code: 'closed' });
    await expect(task.accessToken()).rejects.toMatchObject({ code: 'task_ended' });
    expect(task.answer.access_token).toBe('');
    const asked = network.requests.length;
    await agent.close();
    expect(network.requests).toHaveLength(asked);
  });

  test('leaves nothing of a task that was being opened meanwhile', async () => {
    const { agent, tokens } = agentOver();
    const opening = agent.task({ id: 'opened-while-closing' });
    while (tokens() === 0) await new Promise((resolve) => setImmediate(resolve));
    await agent.close();
    await expect(opening).rejects.toMatchObject({ code: 'closed' });
    for (let attempt = 1; ; attempt += 1) {
      const { body } = await asAdmin(server, 'GET', '/api/tasks/opened-while-closing');
      if (body.state === 'revoked') break;
      expect(attempt).toBeLessThan(40);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });

  test('is what `await using` does', async () => {
    const { clientId, clientSecret } = party;
    let id = '';
    {
      await using agent = createAgent({ issuer: server.issuer, clientId, clientSecret });
      await using task = await agent.startTask({ description: 'Gone at the brace' });
      id = task.id;
      expect(await administer(server, 'GET', `/api/tasks/${id}`)).toMatchObject({ state: 'active' });
    }
    expect(await administer(server, 'GET', `/api/tasks/${id}`)).toMatchObject({ state: 'revoked' });
  });
});

test('nothing that is printed shows a token or a secret', async () => {
  const { agent } = agentOver();
  const task = await agent.task();
  const { inspect } = await import('node:util');
  const token = await task.accessToken();
  const options = { depth: 10, showHidden: true };
  const printed = [inspect(agent, options), inspect(task, options), JSON.stringify({ task })].join('\n');
  expect(printed).not.toContain(party.clientSecret);
  expect(printed).not.toContain(token);
  expect(JSON.parse(JSON.stringify(task))).toEqual({ id: task.id });
});

describe.each([
  ['ahead', 7200],
  ['behind', -7200],
])('of an agent whose clock is hours %s', (_, seconds) => {
  test('the task is opened once, and its token is renewed in time', async () => {
    const { agent, clock, tokens } = agentOver();
    clock.advance(seconds);
    const before = await agent.accessToken();
    expect(await agent.accessToken()).toBe(before);
    expect(tokens()).toBe(1);
    const { id } = await agent.current();
    clock.advance(LIFETIME - 25);
    expect(await agent.accessToken()).not.toBe(before);
    expect((await agent.current()).id).toBe(id);
    clock.advance(3601 - (LIFETIME - 25));
    expect((await agent.current()).id).not.toBe(id);
  });
});

describe('an agent that works for long', () => {
  const revoked = ({ requests }: { requests: readonly SentRequest[] }) =>
    requests.filter(({ url }) => url.pathname.endsWith('/revoke')).length;

  test('keeps no children of tasks that are done', async () => {
    const { agent, network } = agentOver();
    for (let i = 0; i < 3; i += 1) await agent.task({}, async (task) => void (await task.child({})));
    await agent.close();
    expect(revoked(network)).toBe(0);
  });

  test('keeps no tasks that have run out', async () => {
    const { agent, clock, network } = agentOver();
    for (let i = 0; i < 3; i += 1) {
      await agent.current();
      clock.advance(3601);
    }
    await agent.current();
    await agent.close();
    expect(revoked(network)).toBe(1);
  });
});
