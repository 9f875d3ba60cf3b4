import { beforeEach, expect, test } from '@jest/globals';
import type { IdempotencyRecord } from '../../src/app/ports/idempotency.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anId, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'the key was used');
const HOUR = 3_600_000;

function aRecord(over: Partial<IdempotencyRecord> = {}): IdempotencyRecord {
  return { id: anId(), fingerprint: 'f', answer: 'sealed', createdAt: T0, expiresAt: T0 + HOUR, ...over };
}

onEveryDatabase('records of idempotency keys', (open) => {
  let store: DatabaseStore;
  beforeEach(() => {
    store = createStore(open());
  });
  const unitFor = (record: IdempotencyRecord, agent = anAgent()) =>
    aUnit([
      { do: 'insert_idempotency_record', record, miss },
      { do: 'insert_agent', agent, miss: new DomainError('conflict', 'taken') },
    ]);

  test('are found as they were kept, and not under another id', async () => {
    const record = aRecord();
    await store.commit(unitFor(record));
    expect(await store.idempotency.byId(record.id)).toEqual(record);
    expect(await store.idempotency.byId(anId())).toBeUndefined();
  });

  test('undo the whole unit of whoever comes second, in the same batch and in a later one', async () => {
    const record = aRecord();
    const [one, other, late] = [anAgent(), anAgent(), anAgent()];
    const outcomes = await Promise.allSettled([
      store.commit(unitFor(record, one)),
      store.commit(unitFor({ ...record, answer: 'other' }, other)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await expect(store.commit(unitFor(record, late))).rejects.toBe(miss);
    const kept = await Promise.all([one, other, late].map(({ clientId }) => store.agents.byId(clientId)));
    expect(kept.map((agent) => agent !== undefined)).toEqual([true, false, false]);
    expect((await store.idempotency.byId(record.id))?.answer).toBe('sealed');
  });

  test('make way for a new one when they have expired, cleaned up or not', async () => {
    const record = aRecord();
    await store.commit(unitFor(record));
    const early = aRecord({ id: record.id, createdAt: T0 + HOUR - 1 });
    await expect(store.commit(unitFor(early))).rejects.toBe(miss);
    const next = aRecord({ id: record.id, answer: 'next', createdAt: T0 + HOUR, expiresAt: T0 + 2 * HOUR });
    await store.commit(unitFor(next));
    expect(await store.idempotency.byId(record.id)).toEqual(next);
  });

  test('are removed when they have expired', async () => {
    const [gone, kept] = [aRecord({ expiresAt: T0 - 1 }), aRecord({ expiresAt: T0 + 1 })];
    await store.commit(unitFor(gone));
    await store.commit(unitFor(kept));
    const cutoffs = { now: T0, tokens: T0, tasks: T0, audit: T0, webhooks: T0 };
    await store.cleanup.removeExpired('idempotency_records', cutoffs, { from: 0, most: 100 });
    expect(await store.idempotency.byId(gone.id)).toBeUndefined();
    expect(await store.idempotency.byId(kept.id)).toEqual(kept);
  });
});
