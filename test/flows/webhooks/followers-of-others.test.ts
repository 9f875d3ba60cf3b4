import { describe, expect, test } from '@jest/globals';
import { administer, registerAgent } from '../../support/parties.ts';
import { open, revoke } from '../../support/token-requests.ts';
import { deliveriesOf, eventually } from '../../support/webhook-requests.ts';
import { about, webhookScene } from './scene.ts';

const { on, receiver, ask, byAdmin, webhookOf } = webhookScene();

describe('an agent that others act on', () => {
  test('hears what happened, not who did it, from where or in detail', async () => {
    const other = await registerAgent(on.server);
    const { token } = await open(on.server, other);
    const hooked = await ask('POST', '/webhooks', { url: receiver.url, events: ['agent.*'] }, token);
    expect(hooked.status).toBe(201);
    await administer(on.server, 'PUT', `/api/agents/${other.clientId}`, { tier: 'pro' });
    await receiver.until(2);
    expect(receiver.received.map(({ body }) => body.type)).toEqual(['agent.updated', 'agent.tier_changed']);
    const hidden = { actor: null, user_id: null, source_ip: null, request_id: null, details: {} };
    for (const { body } of receiver.received) {
      expect(body.data).toMatchObject({ ...hidden, agent_id: other.clientId, status: 'success' });
    }
  });

  test('hears that it is cut off, and nothing afterwards', async () => {
    const other = await registerAgent(on.server);
    const opened = await open(on.server, other);
    await ask('POST', '/webhooks', { url: receiver.url, events: ['*'] }, opened.token);
    await administer(on.server, 'POST', `/api/agents/${other.clientId}/suspend`, { reason: 'a leak' });
    await receiver.until(1, about('agent.suspended'));
    await expect(open(on.server, other)).rejects.toThrow('agent_not_active');
    await administer(on.server, 'PUT', `/api/agents/${other.clientId}`, { tier: 'pro' });
    await administer(on.server, 'POST', `/api/agents/${other.clientId}/reactivate`, {});
    await open(on.server, other);
    await receiver.until(1, about('token.issued'));
    expect(receiver.received.map(({ body }) => body.type)).toEqual([
      'agent.suspended',
      'agent.reactivated',
      'task.opened',
      'token.issued',
    ]);
    await administer(on.server, 'DELETE', `/api/agents/${other.clientId}`);
    await receiver.until(1, about('agent.revoked'));
  });
});

describe('an administrator', () => {
  test('hears of everything, in the order in which it happened to each agent', async () => {
    const { id } = await webhookOf(byAdmin, ['agent.*', 'task.*', 'token.*']);
    const agents = await Promise.all([
      registerAgent(on.server),
      registerAgent(on.server),
      registerAgent(on.server),
    ]);
    const expected = ['agent.registered', 'agent.activated', 'task.opened', 'token.issued', 'token.revoked'];
    await Promise.all(
      agents.map(async (one) => {
        const opened = await open(on.server, one);
        await revoke(on.server, one, opened.token);
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
      () => deliveriesOf(on.server, id, '?state=pending'),
      (rows) => rows.length === 0,
    );
  });

  test('may hear of one agent alone', async () => {
    const other = await registerAgent(on.server);
    await webhookOf(byAdmin, ['task.opened'], { agent_id: other.clientId, description: 'One agent' });
    await open(on.server, on.agent);
    const opened = await open(on.server, other);
    await receiver.until(1);
    expect(receiver.received.map(({ body }) => body.data.task_id)).toEqual([opened.taskId]);
  });
});
