import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import SqliteConnection from 'better-sqlite3';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { basisOf } from '../../src/domain/revocation.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import type { CommitThread } from '../../src/store/plain/commit-thread.ts';
import { flatBatchOf } from '../../src/store/plain/flat-batch.ts';
import type { LedgerHead } from '../../src/store/ledger-head.ts';
import { plainBatchOf } from '../../src/store/plain/plain-batch.ts';
import type { DatabaseStore } from '../../src/store/store.ts';
import { brokenRows } from '../faults/wholeness.ts';
import { aChild, anEvent, anId, aTask, aUnit, T0 } from '../support/fixtures.ts';
import { type Trouble, trouble } from '../support/failing-commits.ts';
import {
  commitMany,
  type Committing,
  FAILING,
  miss,
  offer,
  openCommitting,
  opening,
  TIMEOUT_MS,
  worksAgain,
} from './committing.ts';
import { type Place, sqlitePlace } from './databases.ts';

let place: Place;
let committing: Committing;
let database: Database;
let store: DatabaseStore;
let thread: CommitThread;

async function start(script?: URL, open?: typeof openDatabase): Promise<void> {
  committing = await openCommitting(place, script, open);
  ({ database, store, thread } = committing);
}

beforeEach(async () => {
  place = await sqlitePlace();
});
afterEach(async () => {
  await store?.close();
  await place.remove();
});

const rows = async () => {
  const tables = ['tasks', 'task_ids', 'tokens', 'audit_events'];
  return Promise.all(tables.map(async (table) => (await database.knex(table).count({ n: '*' }))[0]?.['n']));
};

describe('the thread that commits plain batches', () => {
  beforeEach(() => start());

  test('commits them all: the main connection begins no transaction', async () => {
    const openings = Array.from({ length: 300 }, () => opening());
    await Promise.all(openings.map(({ unit }) => store.commit(unit)));
    expect(committing.begun()).toBe(0);
    const found = await store.tasks.byHandles(openings.map(({ task }) => task.handle));
    expect(found).toEqual(openings.map(({ task }) => task));
    // Whatever else a unit does is for the main connection.
    const handle = openings[0]?.task.handle ?? '';
    await store.commit(aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }]));
    expect(committing.begun()).toBe(1);
    expect(await store.tasks.byHandle(handle)).toMatchObject({ state: 'completed' });
  });

  test('commits them apart from others that arrive with them', async () => {
    const [first, ...openings] = Array.from({ length: 30 }, () => opening());
    await store.commit(first?.unit as UnitOfWork);
    const handle = first?.task.handle ?? '';
    await Promise.all([
      ...openings.map(({ unit }) => store.commit(unit)),
      store.commit(aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }])),
      store.commit(
        aUnit([{ do: 'consume_token', tokenId: first?.token.tokenId ?? '', at: T0, redeemedAs: null, miss }]),
      ),
    ]);
    expect(committing.begun()).toBe(1);
    expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(29);
    expect(await store.tasks.byHandle(handle)).toMatchObject({ state: 'completed' });
  });

  test('what it has answered can be read at once, whatever is being read beside it', async () => {
    let isOver = false;
    let reads = 0;
    const reading = (async () => {
      for (; !isOver; reads += 1) {
        await store.tasks.search({ now: T0 }, { limit: 50 });
        await setImmediate();
      }
    })();
    for (let i = 0; i < 100; i += 1) {
      const { task, token, unit } = opening();
      await store.commit(unit);
      expect((await store.tokens.standing(token.tokenId)).found).toMatchObject({ token, task });
    }
    isOver = true;
    await reading;
    expect([committing.begun(), reads > 0]).toEqual([0, true]);
  });

  test('no connection keeps an old state of the database: all of it can be checkpointed', async () => {
    await Promise.all(Array.from({ length: 20 }, () => store.commit(opening().unit)));
    await store.tasks.search({ now: T0 }, { limit: 5 });
    const other = new SqliteConnection(`${place.settings.dataDir}/taskgrant.db`);
    expect(other.pragma('wal_checkpoint(TRUNCATE)')).toEqual([{ busy: 0, log: 0, checkpointed: 0 }]);
    other.close();
  });

  test('writes in turn with the main connection: both get through', async () => {
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i += 1) {
      work.push(store.commit(opening().unit));
      work.push(store.eventReceivers.advance(`api-${i}`, i + 1, T0));
      if (i % 10 === 0) await setTimeout(1);
    }
    await Promise.all(work);
    expect(await store.eventReceivers.position('api-99')).toBe(100);
    expect(await brokenRows(database.knex)).toEqual({});
    expect(committing.ends).toEqual([]);
  });

  test('ends with the database: what was under way is stored', async () => {
    const openings = Array.from({ length: 200 }, () => opening());
    const commits = openings.map(({ unit }) => store.commit(unit));
    await store.close();
    await Promise.all(commits);
    await start();
    expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(200);
    expect(committing.ends).toEqual([]);
  });
});

describe('a plain batch that was found clear of the ledger', () => {
  beforeEach(() => start());

  const offerClear = (unit: UnitOfWork, clear: LedgerHead) =>
    thread.commit(flatBatchOf(plainBatchOf([unit]), clear));
  const revoke = (handle: string) => {
    const entry = { kind: 'task' as const, handle, epoch: 0, reason: null, actor: null, at: T0 };
    return store.commit(aUnit([{ do: 'revoke', entry: { ...entry, expiresAt: T0 + 1 } }]));
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
    await expect(store.commit(resting.unit)).rejects.toBe(miss);
    await store.commit(opening().unit);
  });
});

describe('a plain batch that does not hold', () => {
  beforeEach(() => start());

  const doubts: Record<string, () => Promise<UnitOfWork>> = {
    'rests on a handle with a row in the ledger': async () => {
      const entry = { handle: anId(), epoch: 0, reason: null, actor: null, at: T0, expiresAt: T0 + 1 };
      await store.commit(aUnit([{ do: 'revoke', entry: { ...entry, kind: 'task' } }]));
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
      await store.commit(unit);
      return opening(aTask({ taskId: task.taskId })).unit;
    },
    'takes a task id that a removed task had': async () => {
      const { unit, task } = opening();
      await store.commit(unit);
      await database.knex('tokens').delete();
      await database.knex('tasks').delete();
      return opening(aTask({ taskId: task.taskId })).unit;
    },
    'was committed before': async () => {
      const unit = aUnit([]);
      await store.commit(unit);
      return unit;
    },
    'has a child too many': async () => {
      const parent = aTask({ maxChildren: 1 });
      await store.commit(opening(parent).unit);
      await store.commit(opening(aChild(parent, 'via')).unit);
      return opening(aChild(parent, 'via')).unit;
    },
    'derives from a task that is over': async () => {
      const parent = aTask({ state: 'completed', endedAt: T0 });
      await store.commit(opening(parent).unit);
      return opening(aChild(parent, 'via')).unit;
    },
    'derives from a task that has expired': async () => {
      const parent = aTask({ expiresAt: T0 });
      await store.commit(opening(parent).unit);
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
    expect(await offer(thread, opening().unit, doubtful, opening().unit)).toBeUndefined();
    expect(await rows()).toEqual(before);
    // The thread goes on, and so does whoever stood beside.
    expect(await offer(thread, opening().unit)).toBe(0);
    const judged = await Promise.allSettled([store.commit(opening().unit), store.commit(doubtful)]);
    const expected = HARMLESS.includes(name) ? 'fulfilled' : 'rejected';
    expect(judged.map(({ status }) => status)).toEqual(['fulfilled', expected]);
  });
});

describe('a thread in trouble', () => {
  beforeEach(() => start(FAILING));
  const makeTrouble = (what?: Trouble) => trouble(place.settings.dataDir, what);

  async function refused(unit = opening().unit): Promise<void> {
    await expect(store.commit(unit)).rejects.toBeInstanceOf(UnavailableError);
  }

  test('whose disk is full refuses, and goes on when there is room', async () => {
    const [{ page_count: pages }] = (await database.knex.raw('PRAGMA page_count')) as [
      { page_count: number },
    ];
    const pragma = `max_page_count = ${pages + 2}`;
    makeTrouble({ at: 'BEGIN', times: 1, pragma });
    const { unit } = opening();
    const events = unit.events.map((event) => ({ ...event, details: { filler: 'x'.repeat(200_000) } }));
    await refused({ ...unit, events });
    await refused({ ...unit, events });
    makeTrouble({ at: 'BEGIN', times: 1, pragma: 'max_page_count = 1000000' });
    await store.commit({ ...unit, events });
    await worksAgain(committing);
  });

  test.each([
    ['BEGIN', 'SQLITE_IOERR'],
    ['INSERT INTO tokens', 'SQLITE_FULL'],
    ['COMMIT', 'SQLITE_FULL'],
    ['COMMIT', 'SQLITE_IOERR_FSYNC'],
  ])('that fails at %s with %s refuses after a second attempt, and leaves nothing', async (at, code) => {
    const before = await rows();
    makeTrouble({ at, code, times: 2 });
    await refused();
    expect(await rows()).toEqual(before);
    // Once is made up for: nobody needs to hear of it.
    makeTrouble({ at, code, times: 1 });
    expect(await commitMany(committing)).toEqual({ committed: 100, refused: 0 });
    await worksAgain(committing);
    expect([committing.begun(), committing.ends]).toEqual([0, []]);
  });

  test('that finds the database locked waits for a while, and refuses then', async () => {
    const other = new SqliteConnection(`${place.settings.dataDir}/taskgrant.db`);
    other.exec('BEGIN IMMEDIATE');
    const waiting = Promise.all(Array.from({ length: 20 }, () => store.commit(opening().unit)));
    const started = performance.now();
    await store.tasks.search({ now: T0 }, { limit: 5 });
    expect(performance.now() - started).toBeLessThan(200);
    other.exec('COMMIT');
    await waiting;
    other.exec('BEGIN IMMEDIATE');
    await refused();
    expect(performance.now() - started).toBeLessThan(2 * TIMEOUT_MS);
    other.exec('COMMIT');
    other.close();
    await worksAgain(committing);
    expect([committing.begun(), committing.ends]).toEqual([0, []]);
  });

  test('that does not answer any more is ended, and what it had committed is found', async () => {
    makeTrouble({ at: 'COMMIT', stallsMs: 60_000, times: 1 });
    const { unit, task } = opening();
    const started = performance.now();
    const late = store.commit(unit);
    await setTimeout(50);
    const behind = store.commit(opening().unit);
    // Who waits is told in time that nobody knows.
    await expect(late).rejects.toBeInstanceOf(UnavailableError);
    await expect(behind).rejects.toBeInstanceOf(UnavailableError);
    expect(performance.now() - started).toBeLessThan(1.5 * TIMEOUT_MS);
    await setTimeout(TIMEOUT_MS);
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    await worksAgain(committing);
    expect(committing.ends).toEqual([expect.stringContaining('took more than')]);
  });

  test('keeps what came with its batch waiting, which is refused in time and not done later', async () => {
    const [ended, spared] = [aTask(), aTask()];
    await store.commit(opening(ended).unit);
    await store.commit(opening(spared).unit);
    makeTrouble({ at: 'COMMIT', stallsMs: 0.9 * TIMEOUT_MS, times: 1 });
    const end = ({ handle }: typeof ended) =>
      store.commit(aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }]));
    const plain = Array.from({ length: 5 }, () => store.commit(opening().unit));
    const outcomes = await Promise.allSettled([...plain, end(ended), end(spared)]);
    expect(outcomes.slice(-2).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await setTimeout(TIMEOUT_MS);
    const found = await store.tasks.byHandles([ended.handle, spared.handle]);
    expect(found.map(({ state }) => state)).toEqual(['active', 'active']);
    await worksAgain(committing);
  });
});

test('a thread that cannot start is done without, and not started for every batch', async () => {
  await start(new URL('data:text/javascript,throw new Error("no such thread")'), openDatabase);
  for (let asked = 0; asked < 200; asked += 1) thread.takes(2);
  for (let i = 0; committing.ends.length === 0; i += 1) {
    await Promise.all([opening(), opening()].map(({ unit }) => store.commit(unit)));
    await setTimeout(5);
  }
  await Promise.all(Array.from({ length: 300 }, () => store.commit(opening().unit)));
  expect(committing.ends).toEqual(['no such thread']);
  expect(thread.isReady).toBe(false);
  expect(await brokenRows(database.knex)).toEqual({});
});
