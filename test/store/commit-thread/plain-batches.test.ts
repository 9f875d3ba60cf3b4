import { setImmediate, setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import SqliteConnection from 'better-sqlite3';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import { openDatabase } from '../../../src/store/database.ts';
import { brokenRows } from '../../faults/wholeness.ts';
import { aUnit, T0 } from '../../support/fixtures.ts';
import { miss, opening } from '../committing.ts';
import { commitThread } from './commit-thread.ts';

const { on, start } = commitThread();

describe('the thread that commits plain batches', () => {
  beforeEach(() => start());

  test('commits them all: the main connection begins no transaction', async () => {
    const openings = Array.from({ length: 300 }, () => opening());
    await Promise.all(openings.map(({ unit }) => on().store.commit(unit)));
    expect(on().begun()).toBe(0);
    const found = await on().store.tasks.byHandles(openings.map(({ task }) => task.handle));
    expect(found).toEqual(openings.map(({ task }) => task));
    // Whatever else a unit does is for the main connection.
    const handle = openings[0]?.task.handle ?? '';
    await on().store.commit(
      aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }]),
    );
    expect(on().begun()).toBe(1);
    expect(await on().store.tasks.byHandle(handle)).toMatchObject({ state: 'completed' });
  });

  test('commits them apart from others that arrive with them', async () => {
    const [first, ...openings] = Array.from({ length: 30 }, () => opening());
    await on().store.commit(first?.unit as UnitOfWork);
    const handle = first?.task.handle ?? '';
    await Promise.all([
      ...openings.map(({ unit }) => on().store.commit(unit)),
      on().store.commit(aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }])),
      on().store.commit(
        aUnit([{ do: 'consume_token', tokenId: first?.token.tokenId ?? '', at: T0, redeemedAs: null, miss }]),
      ),
    ]);
    expect(on().begun()).toBe(1);
    expect(await on().store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(29);
    expect(await on().store.tasks.byHandle(handle)).toMatchObject({ state: 'completed' });
  });

  test('what it has answered can be read at once, whatever is being read beside it', async () => {
    let isOver = false;
    let reads = 0;
    const reading = (async () => {
      for (; !isOver; reads += 1) {
        await on().store.tasks.search({ now: T0 }, { limit: 50 });
        await setImmediate();
      }
    })();
    for (let i = 0; i < 100; i += 1) {
      const { task, token, unit } = opening();
      await on().store.commit(unit);
      expect((await on().store.tokens.standing(token.tokenId)).found).toMatchObject({ token, task });
    }
    isOver = true;
    await reading;
    expect([on().begun(), reads > 0]).toEqual([0, true]);
  });

  test('no connection keeps an old state of the database: all of it can be checkpointed', async () => {
    await Promise.all(Array.from({ length: 20 }, () => on().store.commit(opening().unit)));
    await on().store.tasks.search({ now: T0 }, { limit: 5 });
    const other = new SqliteConnection(`${on().place.settings.dataDir}/taskgrant.db`);
    expect(other.pragma('wal_checkpoint(TRUNCATE)')).toEqual([{ busy: 0, log: 0, checkpointed: 0 }]);
    other.close();
  });

  test('writes in turn with the main connection: both get through', async () => {
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i += 1) {
      work.push(on().store.commit(opening().unit));
      work.push(on().store.eventReceivers.advance(`api-${i}`, i + 1, T0));
      if (i % 10 === 0) await setTimeout(1);
    }
    await Promise.all(work);
    expect(await on().store.eventReceivers.position('api-99')).toBe(100);
    expect(await brokenRows(on().database.knex)).toEqual({});
    expect(on().ends).toEqual([]);
  });

  test('ends with the database: what was under way is stored', async () => {
    const openings = Array.from({ length: 200 }, () => opening());
    const commits = openings.map(({ unit }) => on().store.commit(unit));
    await on().store.close();
    await Promise.all(commits);
    await start();
    expect(await on().store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(200);
    expect(on().ends).toEqual([]);
  });
});

test('a thread that cannot start is done without, and not started for every batch', async () => {
  await start(new URL('data:text/javascript,throw new Error("no such thread")'), openDatabase);
  for (let asked = 0; asked < 200; asked += 1) on().thread.takes(2);
  for (let i = 0; on().ends.length === 0; i += 1) {
    await Promise.all([opening(), opening()].map(({ unit }) => on().store.commit(unit)));
    await setTimeout(5);
  }
  await Promise.all(Array.from({ length: 300 }, () => on().store.commit(opening().unit)));
  expect(on().ends).toEqual(['no such thread']);
  expect(on().thread.isReady).toBe(false);
  expect(await brokenRows(on().database.knex)).toEqual({});
});
