import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { registerAgent } from '../../support/parties.ts';
import { delegate, derive, open, TOKEN_EXCHANGE } from '../../support/token-requests.ts';
import type { Received } from '../../support/webhook-receiver.ts';
import { deliveriesOf, eventually } from '../../support/webhook-requests.ts';
import { about, webhookScene } from './scene.ts';

const { on, receiver, ask, webhookOf } = webhookScene();

describe('an agent that follows its own tasks', () => {
  test('registers a webhook, opens a task, and hears of it signed in two ways', async () => {
    const { id, secret, webhook } = await webhookOf(ask, ['task.*', 'token.issued']);
    expect(webhook).toMatchObject({
      enabled: true,
      agent_id: on.agent.clientId,
      owner: on.agent.clientId,
    });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const opened = await open(on.server, on.agent, { scope: 'reports:read' });

    const [first, second] = await receiver.until(2);
    expect([first?.body.type, second?.body.type]).toEqual(['task.opened', 'token.issued']);
    expect(first?.body).toMatchObject({
      timestamp: expect.stringMatching(/Z$/),
      data: { task_id: opened.taskId, agent_id: on.agent.clientId, status: 'success' },
    });
    expect(second?.body.data).toMatchObject({ token_id: opened.tokenId, details: { scope: 'reports:read' } });
    for (const one of [first, second] as Received[]) {
      expect(one.headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Taskgrant\/\d/),
        'x-agentauth-event': one.body.type,
      });
      expect(new Webhook(secret).verify(one.text, one.headers as Record<string, string>)).toEqual(one.body);
      expect(one.body.data).toMatchObject({ actor: on.agent.clientId, source_ip: '127.0.0.1' });
      const time = one.headers['x-agentauth-timestamp'] as string;
      const mac = createHmac('sha256', secret).update(`${time}.${one.text}`).digest('hex');
      expect(one.headers['x-agentauth-signature']).toBe(`sha256=${mac}`);
      expect(Math.abs(Date.now() / 1000 - Number(time))).toBeLessThan(60);
    }
    const log = await eventually(
      () => deliveriesOf(on.server, id),
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
    await open(on.server, on.agent);
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
      registerAgent(on.server, { grant_types: ['client_credentials', TOKEN_EXCHANGE] }),
      registerAgent(on.server),
    ]);
    await open(on.server, stranger);
    const parent = await open(on.server, on.agent, { delegates: helper.clientId });
    const child = await delegate(on.server, parent, helper);
    const grandchild = await derive(on.server, child);
    await open(on.server, helper);

    const derived = await receiver.until(2, about('task.derived', helper.clientId));
    expect(new Set(derived.map(({ body }) => body.data.task_id))).toEqual(
      new Set([child.taskId, grandchild.taskId]),
    );
    await receiver.until(1, about('task.opened', on.agent.clientId));
    const agents = new Set(receiver.received.map(({ body }) => body.data.agent_id));
    expect(agents).toEqual(new Set([on.agent.clientId, helper.clientId]));
    // The helper's own root task is the helper's business.
    expect(receiver.received.filter(about('task.opened', helper.clientId))).toEqual([]);
  });

  test('is told of refusals that are recorded apart from requests', async () => {
    await webhookOf(ask, ['token.refused', 'agent.authentication_failed']);
    await expect(open(on.server, on.agent, { scope: 'admin:write' })).rejects.toThrow('invalid_scope');
    const [refused] = await receiver.until(1, about('token.refused', on.agent.clientId));
    expect(refused?.body.data).toMatchObject({ status: 'refused', details: { scope: 'admin:write' } });
  });
});
