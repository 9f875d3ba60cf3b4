import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { open } from '../../support/token-requests.ts';
import { webhookScene } from './scene.ts';

const { on, receiver, ask, webhookOf } = webhookScene();

describe('managing webhooks', () => {
  test('a new secret signs beside the old one for a while', async () => {
    const { id, secret } = await webhookOf(ask, ['task.opened']);
    const { status: code, body } = await ask('POST', `/webhooks/${id}/regenerate-secret`, {});
    expect(code).toBe(200);
    expect(body.secret).not.toBe(secret);
    expect(Date.parse(body.webhook.old_secret_expires_at)).toBeGreaterThan(Date.now());
    await open(on.server, on.agent);
    const [one] = await receiver.until(1);
    const headers = one?.headers as Record<string, string>;
    for (const valid of [secret, body.secret]) {
      expect(new Webhook(valid).verify(one?.text ?? '', headers)).toEqual(one?.body);
    }
    const mac = createHmac('sha256', body.secret).update(`${headers['x-agentauth-timestamp']}.${one?.text}`);
    expect(headers['x-agentauth-signature']).toBe(`sha256=${mac.digest('hex')}`);

    const ended = await ask('POST', `/webhooks/${id}/regenerate-secret`, { immediate: true });
    await open(on.server, on.agent);
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
    await open(on.server, on.agent);
    const [one] = await receiver.until(1);
    for (const valid of [secret, ...told]) {
      expect(new Webhook(valid).verify(one?.text ?? '', one?.headers as never)).toEqual(one?.body);
    }
    await rotate({ immediate: true });
    await open(on.server, on.agent);
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
});
