import { describe, expect, test } from '@jest/globals';
import { groupCommitter } from '../../../src/store/commit/committer.ts';
import { aUnit, T0 } from '../../support/fixtures.ts';
import { aWebhook, miss, webhooksOnEveryDatabase } from './scene.ts';

webhooksOnEveryDatabase(({ open, store, change, register }) => {
  describe('a webhook', () => {
    test('is read as it was written, changed by whoever has read it last, and deleted', async () => {
      const webhook = await register({ agentId: 'agent-a', owner: 'agent-a', events: ['task.*'] });
      expect(await store().webhooks.byId(webhook.id)).toEqual(webhook);
      const set = { events: ['token.*'], enabled: false, disabledReason: 'tired', updatedAt: T0 + 1 };
      await change({ do: 'update_webhook', id: webhook.id, expectUpdatedAt: T0, set, miss });
      expect(await store().webhooks.byId(webhook.id)).toEqual({ ...webhook, ...set });
      await expect(
        change({ do: 'update_webhook', id: webhook.id, expectUpdatedAt: T0, set, miss }),
      ).rejects.toBe(miss);
      await change({ do: 'delete_webhook', id: webhook.id, miss });
      expect(await store().webhooks.byId(webhook.id)).toBeUndefined();
      await expect(change({ do: 'delete_webhook', id: webhook.id, miss })).rejects.toBe(miss);
    });

    test('is found by its owner and by whom it hears of, page by page', async () => {
      const mine = await register({ owner: 'agent-a', agentId: 'agent-a', createdAt: T0 + 1 });
      const theirs = await register({ agentId: 'agent-a', createdAt: T0 + 2 });
      const other = await register({ owner: 'agent-b', agentId: 'agent-b', createdAt: T0 + 3 });
      const ids = async (filter: object) =>
        (await store().webhooks.search(filter, { limit: 10 })).items.map(({ id }) => id);
      expect(await ids({ owner: 'agent-a' })).toEqual([mine.id]);
      expect(await ids({ agentId: 'agent-a' })).toEqual([theirs.id, mine.id]);
      const first = await store().webhooks.search({}, { limit: 2 });
      expect(first.items.map(({ id }) => id)).toEqual([other.id, theirs.id]);
      const rest = await store().webhooks.search({}, { limit: 2, after: first.next ?? '' });
      expect(rest).toEqual({ items: [mine], next: null });
    });

    test('is one of so many that its owner may have, however many are made at once', async () => {
      const nodes = [store(), groupCommitter(open().knex)] as const;
      const made = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) =>
          nodes[i % 2 === 0 ? 0 : 1].commit(
            aUnit([{ do: 'insert_webhook', webhook: aWebhook({ owner: 'agent-m' }), most: 3, miss }]),
          ),
        ),
      );
      expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      expect((await store().webhooks.search({ owner: 'agent-m' }, { limit: 20 })).items).toHaveLength(3);
    });
  });
});
