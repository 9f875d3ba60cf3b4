import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Attempted } from '../../src/app/ports/webhooks.ts';
import type { Change } from '../../src/app/unit-of-work.ts';
import { AUDIT_EVENT_TYPES, type AuditEvent } from '../../src/domain/audit-event.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { partyOf, type Webhook } from '../../src/domain/webhook.ts';
import { patternsFor, webhookEventOf } from '../../src/domain/webhook-event.ts';
import { groupCommitter } from '../../src/store/committer.ts';
import { isPostgres } from '../../src/store/statements.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aChild, anAgent, anEvent, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'it does not hold');
const NOW = T0 + 1000;
const ALL = { except: { hosts: [], parties: [] }, mostOfParty: 100, most: 100 };

function aWebhook(over: Partial<Webhook> = {}): Webhook {
  return {
    id: anId(),
    owner: null,
    agentId: null,
    url: 'https://hooks.example.com/taskgrant',
    host: 'hooks.example.com',
    events: ['*'],
    description: 'Operations',
    enabled: true,
    disabledReason: null,
    failures: 0,
    sealedSecret: 'v1.sealed',
    previousSealedSecret: null,
    previousEndsAt: null,
    olderSecrets: null,
    createdAt: T0,
    updatedAt: T0,
    ...over,
  };
}

onEveryDatabase('webhooks and their deliveries', (open) => {
  let store: DatabaseStore;
  beforeEach(async () => {
    store = createStore(open());
    await open().knex('webhook_deliveries').delete();
    await open().knex('webhooks').delete();
  });
  const outbox = () => store.webhookOutbox;
  const change = (...changes: Change[]) => store.commit(aUnit(changes, { events: [quiet()] }));
  /** An event that no webhook hears of. */
  const quiet = () => anEvent({ type: 'token_introspection' });
  const tell = (...events: AuditEvent[]) => store.commit(aUnit([], { events }));
  async function register(over: Partial<Webhook> = {}): Promise<Webhook> {
    const webhook = aWebhook(over);
    await change({ do: 'insert_webhook', webhook, most: 10, miss });
    return webhook;
  }
  const logOf = async ({ id }: Webhook) => (await store.webhooks.deliveries(id, {}, { limit: 100 })).items;
  const told = async (webhook: Webhook) => (await logOf(webhook)).map(({ eventId }) => eventId);
  const dueSeqs = async (now = NOW) => (await outbox().due(now, ALL)).map(({ seq }) => seq);
  async function claim(now = NOW, until = now + 10_000) {
    return outbox().claim(await dueSeqs(now), { id: anId(), now, until });
  }
  const attempted = (
    { seq, lease, webhook }: { seq: number; lease: string; webhook: Webhook },
    over: Partial<Attempted> = {},
  ): Attempted => ({
    seq,
    lease,
    webhookId: webhook.id,
    state: 'delivered',
    dueAt: NOW,
    attemptedAt: NOW,
    responseStatus: 200,
    responseExcerpt: null,
    error: null,
    durationMs: 5,
    ...over,
  });

  describe('a webhook', () => {
    test('is read as it was written, changed by whoever has read it last, and deleted', async () => {
      const webhook = await register({ agentId: 'agent-a', owner: 'agent-a', events: ['task.*'] });
      expect(await store.webhooks.byId(webhook.id)).toEqual(webhook);
      const set = { events: ['token.*'], enabled: false, disabledReason: 'tired', updatedAt: T0 + 1 };
      await change({ do: 'update_webhook', id: webhook.id, expectUpdatedAt: T0, set, miss });
      expect(await store.webhooks.byId(webhook.id)).toEqual({ ...webhook, ...set });
      await expect(
        change({ do: 'update_webhook', id: webhook.id, expectUpdatedAt: T0, set, miss }),
      ).rejects.toBe(miss);
      await change({ do: 'delete_webhook', id: webhook.id, miss });
      expect(await store.webhooks.byId(webhook.id)).toBeUndefined();
      await expect(change({ do: 'delete_webhook', id: webhook.id, miss })).rejects.toBe(miss);
    });

    test('is found by its owner and by whom it hears of, page by page', async () => {
      const mine = await register({ owner: 'agent-a', agentId: 'agent-a', createdAt: T0 + 1 });
      const theirs = await register({ agentId: 'agent-a', createdAt: T0 + 2 });
      const other = await register({ owner: 'agent-b', agentId: 'agent-b', createdAt: T0 + 3 });
      const ids = async (filter: object) =>
        (await store.webhooks.search(filter, { limit: 10 })).items.map(({ id }) => id);
      expect(await ids({ owner: 'agent-a' })).toEqual([mine.id]);
      expect(await ids({ agentId: 'agent-a' })).toEqual([theirs.id, mine.id]);
      const first = await store.webhooks.search({}, { limit: 2 });
      expect(first.items.map(({ id }) => id)).toEqual([other.id, theirs.id]);
      const rest = await store.webhooks.search({}, { limit: 2, after: first.next ?? '' });
      expect(rest).toEqual({ items: [mine], next: null });
    });

    test('is one of so many that its owner may have, however many are made at once', async () => {
      const nodes = [store, groupCommitter(open().knex)] as const;
      const made = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) =>
          nodes[i % 2 === 0 ? 0 : 1].commit(
            aUnit([{ do: 'insert_webhook', webhook: aWebhook({ owner: 'agent-m' }), most: 3, miss }]),
          ),
        ),
      );
      expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      expect((await store.webhooks.search({ owner: 'agent-m' }, { limit: 20 })).items).toHaveLength(3);
    });
  });

  describe('an event', () => {
    const outcomes = ['success', 'refused', 'error'] as const;

    test.each(AUDIT_EVENT_TYPES)('%s is told to whom it should be, in SQL as in the rules', async (type) => {
      const everything = await register();
      const events = outcomes.map((outcome) => anEvent({ type, outcome }));
      await tell(...events);
      const expected = events.flatMap((event) => webhookEventOf(event) ?? []);
      expect((await logOf(everything)).map(({ event }) => event)).toEqual(expected);
    });

    test('is told to those that asked for it, for its group or for all', async () => {
      const event = anEvent({ type: 'task_revoked' });
      expect(patternsFor('task.revoked')).toEqual(['task.revoked', 'task.*', '*']);
      const wanted = await Promise.all(
        [['task.revoked'], ['task.*'], ['*'], ['token.issued', 'task.revoked']].map((events) =>
          register({ events }),
        ),
      );
      const others = await Promise.all(
        [['task.opened'], ['token.*'], ['tas*'], ['task.']].map((events) => register({ events })),
      );
      const disabled = await register({ enabled: false });
      await tell(event);
      for (const webhook of wanted) expect(await told(webhook)).toEqual([event.id]);
      for (const webhook of [...others, disabled]) expect(await told(webhook)).toEqual([]);
    });

    test('of an agent is told to its own webhooks, and to those of the agents above', async () => {
      const [top, middle, stranger] = await Promise.all(
        ['top', 'middle', 'stranger'].map((agentId) => register({ agentId, events: ['*'] })),
      );
      const root = aTask({ clientId: 'top' });
      const child = aChild(root, 'via', { clientId: 'middle' });
      const insert = (task: typeof root): Change => ({ do: 'insert_task', task, miss });
      await change(insert(root));
      await change(insert(child));
      const derived = (over: Partial<AuditEvent>) =>
        anEvent({ type: 'task_derived', clientId: 'low', ...over });
      const below = derived({ parentTaskId: child.taskId });
      const refused = derived({ type: 'token_refused', outcome: 'refused', parentTaskId: child.taskId });
      const apart = derived({ parentTaskId: 'unknown' });
      const own = anEvent({ clientId: 'top' });
      await tell(below, refused, apart, own);
      expect(await told(top as Webhook)).toEqual([own.id, below.id]);
      expect(await told(middle as Webhook)).toEqual([below.id]);
      expect(await told(stranger as Webhook)).toEqual([]);
    });

    test('of an agent that is its own ancestor is told to its webhooks once', async () => {
      const [own, all] = [await register({ agentId: 'own' }), await register()];
      const root = aTask({ clientId: 'own' });
      const child = aChild(root, 'via', { clientId: 'own' });
      for (const task of [root, child]) await change({ do: 'insert_task', task, miss });
      const below = anEvent({ type: 'task_derived', clientId: 'own', parentTaskId: child.taskId });
      await tell(below);
      for (const webhook of [own, all]) expect(await told(webhook)).toEqual([below.id]);
    });

    test('of an agent that was cut off is told to its own webhooks no more', async () => {
      const owner = anAgent({ clientId: 'cut-off', state: 'suspended' });
      await change({ do: 'insert_agent', agent: owner, miss });
      const [own, theirs] = [
        await register({ owner: 'cut-off', agentId: 'cut-off' }),
        await register({ agentId: 'cut-off' }),
      ];
      const [suspended, later] = [
        anEvent({ type: 'agent_suspended', clientId: 'cut-off' }),
        anEvent({ type: 'agent_updated', clientId: 'cut-off' }),
      ];
      await tell(suspended, later);
      expect(await told(own)).toEqual([suspended.id]);
      expect(await told(theirs)).toEqual([later.id, suspended.id]);
    });

    test('may be about whoever claims to be anybody', async () => {
      const webhook = await register();
      const event = anEvent({
        type: 'client_authentication_failed',
        outcome: 'refused',
        clientId: '𝒜'.repeat(500),
      });
      await tell(event);
      expect((await logOf(webhook)).map(({ eventId, lane }) => [eventId, [...lane].length])).toEqual([
        [event.id, 200],
      ]);
    });

    test('is recorded with the commit that opens a task, and with none that fails', async () => {
      const webhook = await register();
      let notices = 0;
      outbox().onRecorded(() => (notices += 1));
      const opening = (task = aTask()) =>
        aUnit(
          [
            { do: 'insert_task', task, miss },
            { do: 'insert_token', token: aToken(task) },
          ],
          { events: [anEvent({ type: 'task_opened' }), anEvent()] },
        );
      const task = aTask();
      const unit = opening(task);
      await store.commit(unit);
      expect(notices).toBe(1);
      expect((await logOf(webhook)).map(({ event }) => event)).toEqual(['token.issued', 'task.opened']);
      await expect(store.commit(opening(aTask({ taskId: task.taskId })))).rejects.toBe(miss);
      expect(await logOf(webhook)).toHaveLength(2);
      // The same unit again, as after a commit whose answer was lost.
      await expect(store.commit(aUnit([], { id: unit.id, events: unit.events }))).resolves.toBeUndefined();
      expect(await logOf(webhook)).toHaveLength(2);
      expect(notices).toBe(1);
      // Many at once, most of which share a statement.
      await Promise.all(Array.from({ length: 50 }, () => store.commit(opening())));
      expect((await store.webhooks.deliveries(webhook.id, {}, { limit: 200 })).items).toHaveLength(102);
    });

    test('is on its way from then on, with all that it takes', async () => {
      const webhook = await register();
      const event = anEvent({ type: 'task_failed', details: { tokens: 2 }, reason: 'out of time' });
      await tell(event);
      const [claimed] = await claim();
      expect(claimed).toMatchObject({ webhook, event });
      expect(claimed?.delivery).toEqual({
        id: `${event.id}_${webhook.id}`,
        webhookId: webhook.id,
        event: 'task.failed',
        eventId: event.id,
        lane: 'agent-a',
        state: 'pending',
        attempts: 1,
        dueAt: T0,
        createdAt: T0,
        attemptedAt: null,
        deliveredAt: null,
        responseStatus: null,
        responseExcerpt: null,
        error: null,
        durationMs: null,
      });
      expect(await store.webhooks.delivery(webhook.id, claimed?.delivery.id ?? '')).toEqual(
        claimed?.delivery,
      );
    });
  });

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
      const nodes = [store, createStore(open()), createStore(open()), createStore(open())];
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
      expect((await store.webhooks.byId(webhook.id))?.failures).toBe(0);
      const states = async (state: 'dead' | 'delivered') =>
        (await store.webhooks.deliveries(webhook.id, { state }, { limit: 10 })).items.length;
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

  test('what a deleted webhook still had to be told is gone, what it was told is kept', async () => {
    const webhook = await register();
    await tell(anEvent({ clientId: 'a' }));
    const claimed = await claim();
    await outbox().settle(claimed.map((one) => attempted(one)));
    await tell(anEvent({ clientId: 'b' }));
    await change({ do: 'delete_webhook', id: webhook.id, miss });
    expect(await logOf(webhook)).toMatchObject([{ state: 'delivered' }]);
    expect(await dueSeqs()).toEqual([]);
  });

  test('an event that is not kept any more is given up', async () => {
    const webhook = await register();
    const event = anEvent();
    await tell(event);
    await open().knex('audit_events').where({ id: event.id }).delete();
    expect(await claim()).toEqual([]);
    expect(await logOf(webhook)).toMatchObject([{ state: 'dead', error: 'its event is not kept any more' }]);
  });

  test('claims of a process that is gone are released where no other one can hold them', async () => {
    await register();
    await tell(anEvent());
    expect(await claim()).toHaveLength(1);
    expect(await dueSeqs()).toEqual([]);
    await outbox().releaseAll?.();
    expect(await dueSeqs()).toHaveLength(isPostgres(open().knex) ? 0 : 1);
  });
});
