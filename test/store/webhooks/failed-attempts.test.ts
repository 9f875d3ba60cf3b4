import { describe, expect, test } from '@jest/globals';
import { anEvent, T0 } from '../../support/fixtures.ts';
import { attempted, miss, NOW, webhooksOnEveryDatabase } from './scene.ts';

webhooksOnEveryDatabase(({ store, outbox, change, tell, register, logOf, dueSeqs, claim }) => {
  describe('an attempt that failed', () => {
    test('is told, and holds back what is behind it until its time', async () => {
      const webhook = await register();
      await tell(anEvent());
      await tell(anEvent());
      const [first] = await claim();
      if (!first) throw new Error('nothing was claimed');
      const failed = {
        state: 'pending',
        dueAt: NOW + 5000,
        responseStatus: 503,
        error: 'answered 503',
        responseExcerpt: 'down for maintenance\u0000',
      } as const;
      expect(await outbox().settle([attempted(first, failed)])).toEqual([]);
      expect(await dueSeqs(NOW + 4999)).toEqual([]);
      const log = await logOf(webhook);
      expect(log[1]).toMatchObject({ ...failed, responseExcerpt: 'down for maintenance\ufffd', attempts: 1 });
      expect((await claim(NOW + 5000)).map(({ seq }) => seq)).toEqual([first.seq]);
    });

    test('waits no longer once its webhook is enabled again', async () => {
      const [webhook, other] = [await register(), await register()];
      await tell(anEvent());
      const claimed = await claim();
      await outbox().settle(
        claimed.map((one) => attempted(one, { state: 'pending', dueAt: NOW + 60_000, responseStatus: 503 })),
      );
      const update = (expectUpdatedAt: number, set: { updatedAt: number; enabled?: boolean }) =>
        change({ do: 'update_webhook', id: webhook.id, expectUpdatedAt, set, miss });
      await update(T0, { updatedAt: T0 + 1, enabled: false });
      await update(T0 + 1, { updatedAt: T0 + 2 });
      await update(T0 + 2, { updatedAt: NOW + 1, enabled: true });
      expect(await dueSeqs(NOW)).toEqual([]);
      expect((await claim(NOW + 1)).map((one) => one.webhook.id)).toEqual([webhook.id]);
      expect(await logOf(other)).toMatchObject([{ dueAt: NOW + 60_000 }]);
    });

    test('counts against the webhook when it was the last, until one arrives', async () => {
      const webhook = await register();
      for (const clientId of ['a', 'b', 'c']) await tell(anEvent({ clientId }));
      const [a, b, c] = await claim();
      if (!a || !b || !c) throw new Error('nothing was claimed');
      const dead = (one: typeof a) => attempted(one, { state: 'dead', responseStatus: null, error: 'no' });
      expect(await outbox().settle([dead(a)])).toEqual([{ webhookId: webhook.id, failures: 1 }]);
      expect(await outbox().settle([dead(b)])).toEqual([{ webhookId: webhook.id, failures: 2 }]);
      expect(await outbox().settle([attempted(c)])).toEqual([]);
      expect((await store().webhooks.byId(webhook.id))?.failures).toBe(0);
      const states = async (state: 'dead' | 'delivered') =>
        (await store().webhooks.deliveries(webhook.id, { state }, { limit: 10 })).items.length;
      expect([await states('dead'), await states('delivered')]).toEqual([2, 1]);
    });

    test('may be asked for again, except while somebody is at it', async () => {
      const webhook = await register();
      await tell(anEvent());
      const [first] = await claim();
      if (!first) throw new Error('nothing was claimed');
      const ask = (at: number): Promise<void> =>
        change({ do: 'redeliver', webhookId: webhook.id, deliveryId: first.delivery.id, at, miss });
      await expect(ask(NOW)).rejects.toBe(miss);
      await outbox().settle([attempted(first, { state: 'dead' })]);
      await ask(NOW + 1);
      expect(await logOf(webhook)).toMatchObject([{ state: 'pending', attempts: 0, dueAt: NOW + 1 }]);
      expect(await claim(NOW + 1)).toHaveLength(1);
      const elsewhere = { do: 'redeliver', webhookId: 'another', deliveryId: first.delivery.id } as const;
      await expect(change({ ...elsewhere, at: NOW, miss })).rejects.toBe(miss);
    });
  });
});
