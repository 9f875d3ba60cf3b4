import { describe, expect, test } from '@jest/globals';
import { partyOf } from '../../../src/domain/webhook.ts';
import { isPostgres } from '../../../src/store/sql/statements.ts';
import { createStore } from '../../../src/store/store.ts';
import { anAgent, anEvent, anId, T0 } from '../../support/fixtures.ts';
import { ALL, attempted, miss, NOW, webhooksOnEveryDatabase } from './scene.ts';

webhooksOnEveryDatabase(({ open, store, outbox, change, tell, register, logOf, dueSeqs, claim }) => {
  describe('what is due', () => {
    test('is the oldest of each agent, for each webhook', async () => {
      await Promise.all([register(), register()]);
      const events = ['a', 'a', 'b', 'b', null].map((clientId) => anEvent({ clientId }));
      for (const event of events) await tell(event);
      const claimed = await claim();
      const oldest = [events[0], events[2], events[4]].map((event) => event?.id);
      const counts = Map.groupBy(claimed, ({ event }) => event.id);
      expect([...counts].map(([id, those]) => [id, those.length])).toEqual(
        expect.arrayContaining(oldest.map((id) => [id, 2])),
      );
      expect(claimed).toHaveLength(6);
      // While these are on their way nothing of the same agents is.
      expect(await dueSeqs()).toEqual([]);
      await outbox().settle(claimed.map((one) => attempted(one)));
      const next = await claim();
      expect(new Set(next.map(({ event }) => event.id))).toEqual(new Set([events[1]?.id, events[3]?.id]));
    });

    test('waits for its time, for a webhook that is enabled, and for a host that has room', async () => {
      const [one, other] = [await register(), await register({ host: 'other.example.com' })];
      await tell(anEvent({ at: T0 + 5000 }));
      expect(await dueSeqs(T0 + 4999)).toEqual([]);
      expect(await outbox().due(T0 + 5000, ALL)).toHaveLength(2);
      const spared = await outbox().due(T0 + 5000, {
        ...ALL,
        except: { hosts: [one.host, 'x'], parties: [] },
      });
      expect(spared.map(({ host }) => host)).toEqual([other.host]);
      expect(await outbox().due(T0 + 5000, { ...ALL, most: 1 })).toHaveLength(1);
      const set = { enabled: false, updatedAt: T0 + 1 };
      await change({ do: 'update_webhook', id: one.id, expectUpdatedAt: T0, set, miss });
      expect((await outbox().due(T0 + 5000, ALL)).map(({ host }) => host)).toEqual([other.host]);
    });

    test('is found for each party before a second one of any, whoever waits longer', async () => {
      await register({ owner: 'busy', agentId: 'busy' });
      await register({ owner: 'busy', agentId: 'busy', host: 'other.example.com' });
      const own = await register({ owner: 'late', agentId: 'late' });
      await change({ do: 'insert_agent', agent: anAgent({ clientId: 'busy' }), miss });
      await change({ do: 'insert_agent', agent: anAgent({ clientId: 'late' }), miss });
      const all = await register();
      await tell(anEvent({ clientId: 'busy', at: T0 }));
      await tell(anEvent({ clientId: 'late', at: T0 + 500 }));
      const found = async (over: object) =>
        (await outbox().due(NOW, { ...ALL, ...over })).map(({ party }) => party);
      const first = ['busy', all.id, 'late'].toSorted();
      expect((await found({ most: 3 })).toSorted()).toEqual(first);
      expect((await found({ mostOfParty: 1 })).toSorted()).toEqual(first);
      const rest = await found({});
      expect(rest.slice(0, 3).toSorted()).toEqual(first);
      expect(rest.slice(3).toSorted()).toEqual(['busy', all.id].toSorted());
      expect(await found({ except: { hosts: [], parties: ['busy', all.id] } })).toEqual(['late']);
      expect([partyOf(own), partyOf(all)]).toEqual(['late', all.id]);
    });

    test('is found for every party in its turn, where more wait than are found at once', async () => {
      const owners = ['a', 'b', 'c', 'd', 'e'];
      for (const owner of owners) {
        await change({ do: 'insert_agent', agent: anAgent({ clientId: `turn-${owner}` }), miss });
        await register({ owner: `turn-${owner}`, agentId: `turn-${owner}` });
        for (const at of [T0, T0 + 1]) await tell(anEvent({ clientId: `turn-${owner}`, at }));
      }
      let after: string | undefined;
      const found: string[] = [];
      for (let look = 0; look < 3; look += 1) {
        const some = await outbox().due(NOW, { ...ALL, most: 2, after });
        found.push(...some.map(({ party }) => party));
        after = some.at(-1)?.party;
      }
      expect(new Set(found)).toEqual(new Set(owners.map((owner) => `turn-${owner}`)));
    });

    test('is taken by one of all who try at once', async () => {
      await register();
      for (let i = 0; i < 20; i += 1) await tell(anEvent({ clientId: `agent-${i}` }));
      const seqs = await dueSeqs();
      expect(seqs).toHaveLength(20);
      const nodes = [store(), createStore(open()), createStore(open()), createStore(open())];
      const taken = await Promise.all(
        nodes.map((node) => node.webhookOutbox.claim(seqs, { id: anId(), now: NOW, until: NOW + 10_000 })),
      );
      const all = taken.flat().map(({ seq }) => seq);
      expect(all.toSorted((a, b) => a - b)).toEqual(seqs.toSorted((a, b) => a - b));
    });

    test('is not taken any more for a webhook that was disabled or deleted since it was looked for', async () => {
      const disabled = await register();
      const deleted = await register();
      await tell(anEvent({ type: 'agent_updated' }));
      const seqs = await dueSeqs();
      const set = { enabled: false, updatedAt: T0 + 1 };
      await change({ do: 'update_webhook', id: disabled.id, expectUpdatedAt: T0, set, miss });
      await change({ do: 'delete_webhook', id: deleted.id, miss });
      expect(await outbox().claim(seqs, { id: anId(), now: NOW, until: NOW + 10_000 })).toEqual([]);
      const [waiting] = await logOf(disabled);
      expect(waiting).toMatchObject({ state: 'pending', attempts: 0 });
    });

    test('is due again when whoever took it does not come back, and then counts no more for them', async () => {
      const webhook = await register();
      await tell(anEvent());
      const [lost] = await claim(NOW, NOW + 10_000);
      expect(await claim(NOW + 9_999)).toEqual([]);
      const [again] = await claim(NOW + 10_000);
      expect(again?.delivery).toMatchObject({ id: lost?.delivery.id, attempts: 2 });
      if (!lost || !again) throw new Error('nothing was claimed');
      await outbox().settle([attempted(lost, { state: 'dead' })]);
      expect(await logOf(webhook)).toMatchObject([{ state: 'pending' }]);
      await outbox().settle([attempted(again)]);
      expect(await logOf(webhook)).toMatchObject([{ state: 'delivered', deliveredAt: NOW + 5 }]);
    });

    test('is found at once however long the queue behind it is', async () => {
      await register();
      const { knex } = open();
      await tell(...Array.from({ length: 300 }, (_, i) => anEvent({ clientId: `agent-${i % 3}` })));
      const copies = Array.from({ length: 30 }, (_, i) =>
        knex.raw(
          `INSERT INTO webhook_deliveries (id, webhook_id, event, event_id, unit_id, position, lane, state, attempts,
             due_at, created_at)
           SELECT id || '#${i}', webhook_id, event, event_id, unit_id, position, lane, state, 0, due_at, created_at
           FROM webhook_deliveries WHERE id NOT LIKE '%#%'`,
        ),
      );
      for (const copy of copies) await copy;
      const [row] = await knex('webhook_deliveries').count({ rows: '*' });
      expect(Number(row?.['rows'])).toBeGreaterThan(3000);
      if (isPostgres(knex)) await knex.raw('ANALYZE webhook_deliveries');
      expect(await dueSeqs()).toHaveLength(3);
      const began = performance.now();
      for (let i = 0; i < 20; i += 1) await dueSeqs();
      expect((performance.now() - began) / 20).toBeLessThan(50);
    });
  });

  test('what is due is found among thousands of agents that wait for a receiver', async () => {
    const { knex } = open();
    const webhook = await register();
    const due = await register({ agentId: 'agent-due' });
    const columns = `id, webhook_id, event, event_id, unit_id, position, lane, state, attempts, due_at, created_at`;
    await knex.raw(
      `INSERT INTO webhook_deliveries (${columns})
       WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 8000)
       SELECT 'waiting-' || n, CAST(? AS text), 'token.issued', 'e', 'u' || n, 0, 'agent-' || n, 'pending', 1,
         ${NOW + 60_000}, ${T0} FROM numbers`,
      [webhook.id],
    );
    await tell(anEvent({ clientId: 'agent-due' }));
    if (isPostgres(knex)) await knex.raw('ANALYZE webhook_deliveries');
    const began = performance.now();
    const found = await outbox().due(NOW, ALL);
    expect(performance.now() - began).toBeLessThan(500);
    expect(found).toHaveLength(2);
    expect((await logOf(due)).map(({ eventId }) => eventId)).toHaveLength(1);
  });
});
