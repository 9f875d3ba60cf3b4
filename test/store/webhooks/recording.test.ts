import { describe, expect, test } from '@jest/globals';
import type { Change } from '../../../src/app/unit-of-work.ts';
import { AUDIT_EVENT_TYPES, type AuditEvent } from '../../../src/domain/audit-event.ts';
import { patternsFor, webhookEventOf } from '../../../src/domain/webhook-event.ts';
import type { Webhook } from '../../../src/domain/webhook.ts';
import { aChild, anAgent, anEvent, aTask, aToken, aUnit, T0 } from '../../support/fixtures.ts';
import { miss, webhooksOnEveryDatabase } from './scene.ts';

webhooksOnEveryDatabase(({ store, outbox, change, tell, register, logOf, told, claim }) => {
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
      await store().commit(unit);
      expect(notices).toBe(1);
      expect((await logOf(webhook)).map(({ event }) => event)).toEqual(['token.issued', 'task.opened']);
      await expect(store().commit(opening(aTask({ taskId: task.taskId })))).rejects.toBe(miss);
      expect(await logOf(webhook)).toHaveLength(2);
      // The same unit again, as after a commit whose answer was lost.
      await expect(store().commit(aUnit([], { id: unit.id, events: unit.events }))).resolves.toBeUndefined();
      expect(await logOf(webhook)).toHaveLength(2);
      expect(notices).toBe(1);
      // Many at once, most of which share a statement.
      await Promise.all(Array.from({ length: 50 }, () => store().commit(opening())));
      expect((await store().webhooks.deliveries(webhook.id, {}, { limit: 200 })).items).toHaveLength(102);
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
      expect(await store().webhooks.delivery(webhook.id, claimed?.delivery.id ?? '')).toEqual(
        claimed?.delivery,
      );
    });
  });
});
