import { describe, expect, test } from '@jest/globals';
import { administer, registerAgent } from '../../support/parties.ts';
import { send } from '../../support/requests.ts';
import { delegate, open, TOKEN_EXCHANGE } from '../../support/token-requests.ts';
import { webhookScene } from './scene.ts';

const { on, receiver, ask, byAdmin, webhookOf } = webhookScene();

describe('nobody else', () => {
  test('sees or changes an agent’s webhook', async () => {
    const { id } = await webhookOf(ask, ['*']);
    const { token } = await open(on.server, await registerAgent(on.server));
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
    const spying = { url: receiver.url, events: ['*'], agent_id: on.agent.clientId };
    expect((await other('POST', '/webhooks', spying)).status).toBe(403);
    expect((await send(on.server, '/webhooks')).status).toBe(401);
  });

  test.each([
    ['another server', () => 'https://curious.example.com/'],
    ['a server behind another path of the same host', () => `${on.server.issuer}/mcp`],
  ])('can follow an agent with a token that the agent showed to %s', async (name, audience) => {
    await administer(on.server, 'POST', '/api/admin/resource-servers', { name, audiences: [audience()] });
    const shown = await open(on.server, on.agent, { resource: audience() });
    const answer = await ask('POST', '/webhooks', { url: receiver.url, events: ['*'] }, shown.token);
    expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await ask('GET', '/webhooks', undefined, shown.token)).toMatchObject({ status: 403 });
  });

  test('can follow the agent with a token of a child task', async () => {
    const helper = await registerAgent(on.server, { grant_types: ['client_credentials', TOKEN_EXCHANGE] });
    const parent = await open(on.server, on.agent, { delegates: helper.clientId });
    const child = await delegate(on.server, parent, helper);
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
