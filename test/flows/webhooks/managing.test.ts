import { describe, expect, test } from '@jest/globals';
import { bearer, send } from '../../support/requests.ts';
import { open } from '../../support/token-requests.ts';
import { eventually } from '../../support/webhook-requests.ts';
import { webhookScene } from './scene.ts';

const { on, receiver, ask, webhookOf } = webhookScene();

describe('managing webhooks', () => {
  test('is changed, disabled, enabled, tried out and deleted', async () => {
    const { id } = await webhookOf(ask, ['task.opened']);
    const changed = await ask('PATCH', `/api/webhooks/${id}`, {
      events: ['task.failed'],
      description: 'Ops',
    });
    expect(changed.body).toMatchObject({
      events: ['task.failed'],
      description: 'Ops',
      url: receiver.url,
    });
    expect((await ask('PUT', `/webhooks/${id}`, { events: ['*'] })).body.events).toEqual(['*']);
    expect((await ask('POST', `/webhooks/${id}/disable`)).body).toMatchObject({ enabled: false });
    await open(on.server, on.agent);
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
    await open(on.server, on.agent);
    expect(receiver.received).toHaveLength(1);
  });

  test('a request that is repeated with the same Idempotency-Key makes one webhook', async () => {
    const headers = {
      ...bearer(on.task.token),
      'content-type': 'application/json',
      'idempotency-key': 'make-one-1',
    };
    const body = JSON.stringify({ url: receiver.url, events: ['*'] });
    const twice = [1, 2].map(() => send(on.server, '/webhooks', { method: 'POST', headers, body }));
    const ids = (await Promise.all(twice)).map((answer) => answer.body.webhook?.id);
    expect(ids[0]).toEqual(expect.any(String));
    expect(ids[1]).toBe(ids[0]);
    expect((await ask('GET', '/webhooks')).body.webhooks).toHaveLength(1);
  });

  test('the valid events are listed with what they tell', async () => {
    const { body } = await send(on.server, '/webhooks/events');
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
