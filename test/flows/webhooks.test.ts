import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { withToken } from '../support/agent-auth.ts';
import { administer, type AgentParty, asAdmin, registerAgent } from '../support/parties.ts';
import { removeWebhooks } from '../support/remove-webhooks.ts';
import { bearer, send } from '../support/requests.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { delegate, derive, open, type OpenTask, revoke, TOKEN_EXCHANGE } from '../support/token-requests.ts';
import { type Received, type Receiver, startReceiver } from '../support/webhook-receiver.ts';
import {
  type Ask,
  deliveriesOf,
  eventually,
  WEBHOOK_SETTINGS,
  webhookAt,
} from '../support/webhook-requests.ts';

let server: TestServer;
let receiver: Receiver;
let agent: AgentParty;
let task: OpenTask;

beforeAll(async () => {
  server = await startServer({ settings: WEBHOOK_SETTINGS });
  const grants = { grant_types: ['client_credentials', TOKEN_EXCHANGE] };
  agent = await registerAgent(server, grants);
  task = await open(server, agent);
});
afterAll(() => server.stop());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  // What one story left behind must not speak in the next.
  await removeWebhooks(server);
  await receiver.close();
});

/** A request of an agent with a token of its own task. */
const ask = (method: string, path: string, body?: unknown, token = task.token) =>
  withToken(server, token, method, path, body);
const webhookOf = (who: Ask, events: readonly string[], over: object = {}) =>
  webhookAt(who, receiver.url, events, over);
const byAdmin: Ask = (method, path, body) => asAdmin(server, method, path, body);

const about = (type: string, clientId?: string) => (one: Received) =>
  one.body.type === type && (clientId === undefined || one.body.data.agent_id === clientId);

const deliveries = (id: string, query = '') => deliveriesOf(server, id, query);

describe('an agent that follows its own tasks', () => {
  test('registers a webhook, opens a task, and hears of it signed in two ways', async () => {
    const { id, secret, webhook } = await webhookOf(ask, ['task.*', 'token.issued']);
    expect(webhook).toMatchObject({ enabled: true, agent_id: agent.clientId, owner: agent.clientId });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const opened = await open(server, agent, { scope: 'reports:read' });

    const [first, second] = await receiver.until(2);
    expect([first?.body.type, second?.body.type]).toEqual(['task.opened', 'token.issued']);
    expect(first?.body).toMatchObject({
      timestamp: expect.stringMatching(/Z$/),
      data: { task_id: opened.taskId, agent_id: agent.clientId, status: 'success' },
    });
    expect(second?.body.data).toMatchObject({ token_id: opened.tokenId, details: { scope: 'reports:read' } });
    for (const one of [first, second] as Received[]) {
      expect(one.headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Taskgrant\/\d/),
        'x-agentauth-event': one.body.type,
      });
      expect(new Webhook(secret).verify(one.text, one.headers as Record<string, string>)).toEqual(one.body);
      expect(one.body.data).toMatchObject({ actor: agent.clientId, source_ip: '127.0.0.1' });
      const time = one.headers['x-agentauth-timestamp'] as string;
      const mac = createHmac('sha256', secret).update(`${time}.${one.text}`).digest('hex');
      expect(one.headers['x-agentauth-signature']).toBe(`sha256=${mac}`);
      expect(Math.abs(Date.now() / 1000 - Number(time))).toBeLessThan(60);
    }
    const log = await eventually(
      () => deliveries(id),
      (rows) => rows.every(({ state }) => state === 'delivered'),
    );
    expect(log.map(({ id: delivery }) => delivery)).toEqual([
      second?.headers['webhook-id'],
      first?.headers['webhook-id'],
    ]);
    expect(log[0]).toMatchObject({ attempts: 1, response_status: 204, error: null, event: 'token.issued' });
  });

  test('a receiver that knows the time refuses what is replayed, or changed', async () => {
    const { secret } = await webhookOf(ask, ['task.opened']);
    await open(server, agent);
    const [one] = await receiver.until(1);
    if (!one) throw new Error('nothing arrived');
    const headers = one.headers as Record<string, string>;
    const later = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 600) };
    expect(() => new Webhook(secret).verify(one.text, later)).toThrow('too old');
    expect(() => new Webhook(secret).verify(`${one.text} `, headers)).toThrow('No matching signature');
    const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    expect(() => new Webhook(other).verify(one.text, headers)).toThrow('No matching signature');
  });

  test('hears of no other agent, but of what another one derives from its tasks', async () => {
    await webhookOf(ask, ['*']);
    const [helper, stranger] = await Promise.all([
      registerAgent(server, { grant_types: ['client_credentials', TOKEN_EXCHANGE] }),
      registerAgent(server),
    ]);
    await open(server, stranger);
    const parent = await open(server, agent, { delegates: helper.clientId });
    const child = await delegate(server, parent, helper);
    const grandchild = await derive(server, child);
    await open(server, helper);

    const derived = await receiver.until(2, about('task.derived', helper.clientId));
    expect(new Set(derived.map(({ body }) => body.data.task_id))).toEqual(
      new Set([child.taskId, grandchild.taskId]),
    );
    await receiver.until(1, about('task.opened', agent.clientId));
    const agents = new Set(receiver.received.map(({ body }) => body.data.agent_id));
    expect(agents).toEqual(new Set([agent.clientId, helper.clientId]));
    // The helper's own root task is the helper's business.
    expect(receiver.received.filter(about('task.opened', helper.clientId))).toEqual([]);
  });

  test('is told of refusals that are recorded apart from requests', async () => {
    await webhookOf(ask, ['token.refused', 'agent.authentication_failed']);
    await expect(open(server, agent, { scope: 'admin:write' })).rejects.toThrow('invalid_scope');
    const [refused] = await receiver.until(1, about('token.refused', agent.clientId));
    expect(refused?.body.data).toMatchObject({ status: 'refused', details: { scope: 'admin:write' } });
  });
});

describe('an agent that others act on', () => {
  test('hears what happened, not who did it, from where or in detail', async () => {
    const other = await registerAgent(server);
    const { token } = await open(server, other);
    const hooked = await ask('POST', '/webhooks', { url: receiver.url, events: ['agent.*'] }, token);
    expect(hooked.status).toBe(201);
    await administer(server, 'PUT', `/api/agents/${other.clientId}`, { tier: 'pro' });
    await receiver.until(2);
    expect(receiver.received.map(({ body }) => body.type)).toEqual(['agent.updated', 'agent.tier_changed']);
    const hidden = { actor: null, user_id: null, source_ip: null, request_id: null, details: {} };
    for (const { body } of receiver.received) {
      expect(body.data).toMatchObject({ ...hidden, agent_id: other.clientId, status: 'success' });
    }
  });

  test('hears that it is cut off, and nothing afterwards', async () => {
    const other = await registerAgent(server);
    const opened = await open(server, other);
    await ask('POST', '/webhooks', { url: receiver.url, events: ['*'] }, opened.token);
    await administer(server, 'POST', `/api/agents/${other.clientId}/suspend`, { reason: 'a leak' });
    await receiver.until(1, about('agent.suspended'));
    await expect(open(server, other)).rejects.toThrow('agent_not_active');
    await administer(server, 'PUT', `/api/agents/${other.clientId}`, { tier: 'pro' });
    await administer(server, 'POST', `/api/agents/${other.clientId}/reactivate`, {});
    await open(server, other);
    await receiver.until(1, about('token.issued'));
    expect(receiver.received.map(({ body }) => body.type)).toEqual([
      'agent.suspended',
      'agent.reactivated',
      'task.opened',
      'token.issued',
    ]);
    await administer(server, 'DELETE', `/api/agents/${other.clientId}`);
    await receiver.until(1, about('agent.revoked'));
  });
});

describe('an administrator', () => {
  test('hears of everything, in the order in which it happened to each agent', async () => {
    const { id } = await webhookOf(byAdmin, ['agent.*', 'task.*', 'token.*']);
    const agents = await Promise.all([registerAgent(server), registerAgent(server), registerAgent(server)]);
    const expected = ['agent.registered', 'agent.activated', 'task.opened', 'token.issued', 'token.revoked'];
    await Promise.all(
      agents.map(async (one) => {
        const opened = await open(server, one);
        await revoke(server, one, opened.token);
      }),
    );
    for (const { clientId } of agents) {
      await receiver.until(1, about('token.revoked', clientId));
      const types = receiver.received.filter(({ body }) => body.data.agent_id === clientId);
      expect(types.map(({ body }) => body.type)).toEqual(expected);
      expect(types[0]?.body.data).toMatchObject({ source_ip: expect.any(String), actor: 'taskgrant-admin' });
    }
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
    await eventually(
      () => deliveries(id, '?state=pending'),
      (rows) => rows.length === 0,
    );
  });

  test('may hear of one agent alone', async () => {
    const other = await registerAgent(server);
    await webhookOf(byAdmin, ['task.opened'], { agent_id: other.clientId, description: 'One agent' });
    await open(server, agent);
    const opened = await open(server, other);
    await receiver.until(1);
    expect(receiver.received.map(({ body }) => body.data.task_id)).toEqual([opened.taskId]);
  });
});

describe('managing webhooks', () => {
  test('a new secret signs beside the old one for a while', async () => {
    const { id, secret } = await webhookOf(ask, ['task.opened']);
    const { status: code, body } = await ask('POST', `/webhooks/${id}/regenerate-secret`, {});
    expect(code).toBe(200);
    expect(body.secret).not.toBe(secret);
    expect(Date.parse(body.webhook.old_secret_expires_at)).toBeGreaterThan(Date.now());
    await open(server, agent);
    const [one] = await receiver.until(1);
    const headers = one?.headers as Record<string, string>;
    for (const valid of [secret, body.secret]) {
      expect(new Webhook(valid).verify(one?.text ?? '', headers)).toEqual(one?.body);
    }
    const mac = createHmac('sha256', body.secret).update(`${headers['x-agentauth-timestamp']}.${one?.text}`);
    expect(headers['x-agentauth-signature']).toBe(`sha256=${mac.digest('hex')}`);

    const ended = await ask('POST', `/webhooks/${id}/regenerate-secret`, { immediate: true });
    await open(server, agent);
    const [, two] = await receiver.until(2);
    const verify = (by: string) => new Webhook(by).verify(two?.text ?? '', two?.headers as never);
    expect(verify(ended.body.secret)).toEqual(two?.body);
    expect(() => verify(body.secret)).toThrow('No matching signature');
  });

  test('each secret that was replaced within the overlap goes on signing, however many replaced it at once', async () => {
    const { id, secret } = await webhookOf(ask, ['task.opened']);
    const rotate = (body = {}) => ask('POST', `/webhooks/${id}/regenerate-secret`, body);
    const rotated = [await rotate(), ...(await Promise.all([rotate(), rotate(), rotate(), rotate()]))];
    const told = rotated.filter(({ status }) => status === 200).map(({ body }) => String(body.secret));
    expect(rotated.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    expect(told.length).toBeGreaterThan(1);
    await open(server, agent);
    const [one] = await receiver.until(1);
    for (const valid of [secret, ...told]) {
      expect(new Webhook(valid).verify(one?.text ?? '', one?.headers as never)).toEqual(one?.body);
    }
    await rotate({ immediate: true });
    await open(server, agent);
    const [, two] = await receiver.until(2);
    expect(String(two?.headers['webhook-signature']).split(' ')).toHaveLength(1);
  });

  test('at most five secrets sign: a further one replaces them all, or waits', async () => {
    const { id } = await webhookOf(ask, ['task.opened']);
    const rotate = (body = {}) => ask('POST', `/webhooks/${id}/regenerate-secret`, body);
    for (let i = 0; i < 4; i += 1) expect((await rotate()).status).toBe(200);
    expect(await rotate()).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect((await rotate({ immediate: true })).body.webhook.old_secret_expires_at).toBeNull();
    expect((await rotate()).status).toBe(200);
  });

  test('is changed, disabled, enabled, tried out and deleted', async () => {
    const { id } = await webhookOf(ask, ['task.opened']);
    const changed = await ask('PATCH', `/api/webhooks/${id}`, {
      events: ['task.failed'],
      description: 'Ops',
    });
    expect(changed.body).toMatchObject({ events: ['task.failed'], description: 'Ops', url: receiver.url });
    expect((await ask('PUT', `/webhooks/${id}`, { events: ['*'] })).body.events).toEqual(['*']);
    expect((await ask('POST', `/webhooks/${id}/disable`)).body).toMatchObject({ enabled: false });
    await open(server, agent);
    expect(await ask('POST', `/webhooks/${id}/test`)).toMatchObject({ status: 409 });
    expect((await ask('POST', `/webhooks/${id}/enable`)).body).toMatchObject({ enabled: true });
    const tried = await ask('POST', `/webhooks/${id}/test`);
    expect(tried).toMatchObject({ status: 202, body: { event: 'webhook.test', state: 'pending' } });
    const [one] = await receiver.until(1);
    // What happened while it was disabled was not recorded for it.
    expect(one?.body).toMatchObject({ type: 'webhook.test', data: { details: { webhook_id: id } } });
    await eventually(
      async () => (await ask('GET', `/webhooks/${id}/deliveries/${tried.body.id}`)).body,
      ({ state }) => state === 'delivered',
    );
    expect((await ask('DELETE', `/webhooks/${id}`)).status).toBe(204);
    expect((await ask('GET', `/webhooks/${id}`)).status).toBe(404);
    await open(server, agent);
    expect(receiver.received).toHaveLength(1);
  });

  test('a request that is repeated with the same Idempotency-Key makes one webhook', async () => {
    const headers = {
      ...bearer(task.token),
      'content-type': 'application/json',
      'idempotency-key': 'make-one-1',
    };
    const body = JSON.stringify({ url: receiver.url, events: ['*'] });
    const twice = [1, 2].map(() => send(server, '/webhooks', { method: 'POST', headers, body }));
    const ids = (await Promise.all(twice)).map((answer) => answer.body.webhook?.id);
    expect(ids[0]).toEqual(expect.any(String));
    expect(ids[1]).toBe(ids[0]);
    expect((await ask('GET', '/webhooks')).body.webhooks).toHaveLength(1);
  });

  test('the valid events are listed with what they tell', async () => {
    const { body } = await send(server, '/webhooks/events');
    const names = body.events.map(({ name }: { name: string }) => name);
    for (const name of [
      'agent.registered',
      'agent.verified',
      'agent.revoked',
      'token.issued',
      'task.revoked',
    ]) {
      expect(names).toContain(name);
    }
    expect(body.events.every(({ description }: { description: string }) => description.length > 10)).toBe(
      true,
    );
  });

  test('an agent has only so many', async () => {
    for (let i = 0; i < 3; i += 1) await webhookOf(ask, ['*']);
    expect(await ask('POST', '/webhooks', { url: receiver.url, events: ['*'] })).toMatchObject({
      status: 409,
      body: { detail: 'an agent may have 3 webhooks at most' },
    });
    expect((await ask('GET', '/webhooks')).body.webhooks).toHaveLength(3);
  });
});

describe('nobody else', () => {
  test('sees or changes an agent’s webhook', async () => {
    const { id } = await webhookOf(ask, ['*']);
    const { token } = await open(server, await registerAgent(server));
    const other = (method: string, path: string, body?: unknown) => ask(method, path, body, token);
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { events: ['*'] }],
      ['PUT', '', { events: ['*'] }],
      ['DELETE', ''],
      ['POST', '/enable', {}],
      ['POST', '/disable', {}],
      ['POST', '/regenerate-secret', {}],
      ['POST', '/test'],
      ['GET', '/deliveries'],
      ['GET', '/deliveries/x'],
      ['POST', '/deliveries/x/redeliver'],
    ] as const) {
      expect([method, path, (await other(method, `/webhooks/${id}${path}`, body)).status]).toEqual([
        method,
        path,
        404,
      ]);
    }
    expect((await other('GET', '/webhooks')).body.webhooks).toEqual([]);
    const spying = { url: receiver.url, events: ['*'], agent_id: agent.clientId };
    expect((await other('POST', '/webhooks', spying)).status).toBe(403);
    expect((await send(server, '/webhooks')).status).toBe(401);
  });

  test.each([
    ['another server', () => 'https://curious.example.com/'],
    ['a server behind another path of the same host', () => `${server.issuer}/mcp`],
  ])('can follow an agent with a token that the agent showed to %s', async (name, audience) => {
    await administer(server, 'POST', '/api/admin/resource-servers', { name, audiences: [audience()] });
    const shown = await open(server, agent, { resource: audience() });
    const answer = await ask('POST', '/webhooks', { url: receiver.url, events: ['*'] }, shown.token);
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await ask('GET', '/webhooks', undefined, shown.token)).toMatchObject({ status: 403 });
  });

  test('can follow the agent with a token of a child task', async () => {
    const helper = await registerAgent(server, { grant_types: ['client_credentials', TOKEN_EXCHANGE] });
    const parent = await open(server, agent, { delegates: helper.clientId });
    const child = await delegate(server, parent, helper);
    const answer = await ask('POST', '/webhooks', { url: receiver.url, events: ['*'] }, child.token);
    expect(answer).toMatchObject({ status: 403 });
  });
});

describe('a webhook that cannot be', () => {
  test.each([
    ['https://10.0.0.1/hook', /private address/],
    ['https://169.254.169.254/latest/meta-data', /private address/],
    ['https://[::1]/', /private address/],
    ['https://[::ffff:127.0.0.1]/', /private address/],
    ['https://0x0a000001/', /private address/],
    ['https://100.64.0.1/', /private address/],
    ['https://user:password@example.com/', /user name/],
    ['https://example.com/#fragment', /fragment/],
    ['ftp://example.com/', /http/],
    ['file:///etc/passwd', /http/],
    ['javascript:alert(1)', /http/],
    ['https://exämple.com/', /ASCII/],
    ['https://example.com/\n', /ASCII/],
    ['not a url', /ASCII/],
  ])('%j is refused', async (url, why) => {
    const { status: code, body } = await ask('POST', '/webhooks', { url, events: ['*'] });
    expect([code, body.detail]).toEqual([400, expect.stringMatching(why)]);
  });

  test.each([
    [[]],
    [['token.unknown']],
    [['constructor.*']],
    [['__proto__']],
    [['toString']],
    [['token.*.*']],
    [['тask.opened']],
  ])('events %j are refused', async (events) => {
    const answer = await ask('POST', '/webhooks', { url: receiver.url, events });
    expect([answer.status, answer.body.code]).toEqual([400, expect.stringMatching(/invalid/)]);
  });

  test('is one that is too long', async () => {
    const long = `https://example.com/${'x'.repeat(2048)}`;
    expect((await ask('POST', '/webhooks', { url: long, events: ['*'] })).status).toBe(400);
    for (const events of [['x'.repeat(101)], Array.from({ length: 101 }, () => '*')]) {
      expect((await ask('POST', '/webhooks', { url: receiver.url, events })).status).toBe(400);
    }
  });

  test('a description with control characters, an unknown member, an unknown agent', async () => {
    const good = { url: receiver.url, events: ['*'] };
    expect((await ask('POST', '/webhooks', { ...good, description: 'a\u0000b' })).status).toBe(400);
    expect((await ask('POST', '/webhooks', { ...good, enabled: true })).status).toBe(400);
    expect((await byAdmin('POST', '/webhooks', { ...good, agent_id: 'nobody' })).status).toBe(404);
  });
});
