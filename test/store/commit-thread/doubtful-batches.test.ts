import { beforeEach, describe, expect, test } from '@jest/globals';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import { basisOf } from '../../../src/domain/revocation.ts';
import type { LedgerHead } from '../../../src/store/ledger/ledger-head.ts';
import { flatBatchOf } from '../../../src/store/commit/plain/flat-batch.ts';
import { plainBatchOf } from '../../../src/store/commit/plain/plain-batch.ts';
import { aChild, anEvent, anId, aTask, aUnit, T0 } from '../../support/fixtures.ts';
import { miss, offer, opening } from '../committing.ts';
import { commitThread } from './commit-thread.ts';

const { on, start, rows } = commitThread();

describe('a plain batch that was found clear of the ledger', () => {
  beforeEach(() => start());

  const offerClear = (unit: UnitOfWork, clear: LedgerHead) =>
    on().thread.commit(flatBatchOf(plainBatchOf([unit]), clear));
  const revoke = (handle: string) => {
    const entry = { kind: 'task' as const, handle, epoch: 0, reason: null, actor: null, at: T0 };
    return on().store.commit(aUnit([{ do: 'revoke', entry: { ...entry, expiresAt: T0 + 1 } }]));
  };

  test('is committed while the ledger ends there, and not once it has grown or is another', async () => {
    expect(await offerClear(opening().unit, { seq: 0, handle: null })).toBe(0);
    const handle = anId();
    await revoke(handle);
    const [before, { unit }] = [await rows(), opening()];
    expect(await offerClear(unit, { seq: 0, handle: null })).toBeUndefined();
    expect(await offerClear(unit, { seq: 1, handle: anId() })).toBeUndefined();
    expect(await rows()).toEqual(before);
    expect(await offerClear(unit, { seq: 1, handle })).toBe(0);
    // Whoever hears of it by asking the store instead is told what is so.
    const resting = opening(aTask(), {
      guards: [{ live: basisOf({ kind: 'task', handle, epoch: 0 }), miss }],
    });
    await expect(on().store.commit(resting.unit)).rejects.toBe(miss);
    await on().store.commit(opening().unit);
  });
});

describe('a plain batch that does not hold', () => {
  beforeEach(() => start());

  const doubts: Record<string, () => Promise<UnitOfWork>> = {
    'rests on a handle with a row in the ledger': async () => {
      const entry = { handle: anId(), epoch: 0, reason: null, actor: null, at: T0, expiresAt: T0 + 1 };
      await on().store.commit(aUnit([{ do: 'revoke', entry: { ...entry, kind: 'task' } }]));
      const live = basisOf(
        { kind: 'task', handle: anId(), epoch: 0 },
        { kind: 'agent', handle: entry.handle, epoch: 7 },
      );
      return opening(aTask(), { guards: [{ live, miss }] }).unit;
    },
    'was decided on another version of the registry': async () =>
      opening(aTask(), { registry: 1_000_000 }).unit,
    'takes a task id that is taken': async () => {
      const { unit, task } = opening();
      await on().store.commit(unit);
      return opening(aTask({ taskId: task.taskId })).unit;
    },
    'takes a task id that a removed task had': async () => {
      const { unit, task } = opening();
      await on().store.commit(unit);
      await on().database.knex('tokens').delete();
      await on().database.knex('tasks').delete();
      return opening(aTask({ taskId: task.taskId })).unit;
    },
    'was committed before': async () => {
      const unit = aUnit([]);
      await on().store.commit(unit);
      return unit;
    },
    'has a child too many': async () => {
      const parent = aTask({ maxChildren: 1 });
      await on().store.commit(opening(parent).unit);
      await on().store.commit(opening(aChild(parent, 'via')).unit);
      return opening(aChild(parent, 'via')).unit;
    },
    'derives from a task that is over': async () => {
      const parent = aTask({ state: 'completed', endedAt: T0 });
      await on().store.commit(opening(parent).unit);
      return opening(aChild(parent, 'via')).unit;
    },
    'derives from a task that has expired': async () => {
      const parent = aTask({ expiresAt: T0 });
      await on().store.commit(opening(parent).unit);
      return opening(aChild(parent, 'via')).unit;
    },
    'derives from a task that is not there': async () => opening(aChild(aTask(), 'via')).unit,
    'holds a row that cannot be': async () => aUnit([], { events: [anEvent({ type: null as never })] }),
  };

  /** What applyUnits finds to hold nevertheless: an agent that is back; a unit whose sender did not hear of it. */
  const HARMLESS = ['rests on a handle with a row in the ledger', 'was committed before'];

  test.each(Object.entries(doubts))('because it %s is undone as a whole', async (name, make) => {
    const doubtful = await make();
    const before = await rows();
    expect(await offer(on().thread, opening().unit, doubtful, opening().unit)).toBeUndefined();
    expect(await rows()).toEqual(before);
    // The thread goes on, and so does whoever stood beside.
    expect(await offer(on().thread, opening().unit)).toBe(0);
    const judged = await Promise.allSettled([on().store.commit(opening().unit), on().store.commit(doubtful)]);
    const expected = HARMLESS.includes(name) ? 'fulfilled' : 'rejected';
    expect(judged.map(({ status }) => status)).toEqual(['fulfilled', expected]);
  });
});
