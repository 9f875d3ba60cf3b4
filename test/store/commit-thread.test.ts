import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import SqliteConnection from 'better-sqlite3';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { basisOf } from '../../src/domain/revocation.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { type Database, type DatabaseSettings, openDatabase } from '../../src/store/database.ts';
import { type CommitThread, commitThreadOf } from '../../src/store/plain/commit-thread.ts';
import { flatBatchOf } from '../../src/store/plain/flat-batch.ts';
import type { LedgerHead } from '../../src/store/ledger-head.ts';
import { plainBatchOf } from '../../src/store/plain/plain-batch.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { brokenRows } from '../faults/wholeness.ts';
import { aChild, anEvent, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { type Trouble, trouble } from '../support/failing-commits.ts';
import { openWithThread, type Place, sqlitePlace } from './databases.ts';

const miss = new DomainError('task_id_taken', 'it does not hold');
const TIMEOUT_MS = 1000;
const FAILING = new URL('../support/failing-commit-worker.ts', import.meta.url);

let place: Place;
let database: Database;
let store: DatabaseStore;
let thread: CommitThread;
/** Transactions of the main connection. */
let begun: number;
/** Why the thread has ended, each time. */
let ends: unknown[];

async function start(
  script?: URL,
  open: (settings: DatabaseSettings) => Promise<Database> = openWithThread,
): Promise<void> {
  ends = [];
  const warn = (message: string, about?: Record<string, unknown>) => {
    if (message === 'the thread that commits has ended') ends.push(about?.['error']);
  };
  const logger = { warn, error: () => undefined };
  database = await open({ ...place.settings, timeoutMs: TIMEOUT_MS, logger, commitScript: script });
  store = createStore(database);
  thread = commitThreadOf(database.knex) as CommitThread;
  begun = 0;
  database.knex.on('query', ({ sql }: { sql: string }) => {
    if (sql.startsWith('BEGIN')) begun += 1;
  });
}

beforeEach(async () => {
  place = await sqlitePlace();
});
afterEach(async () => {
  await store?.close();
  await place.remove();
});

/** A task as it is opened, whole; or a child of one. */
function opening(task = aTask(), over: Partial<UnitOfWork> = {}) {
  const token = aToken(task);
  const about = { taskId: task.taskId };
  const events = [
    anEvent({ ...about, type: 'task_opened' }),
    anEvent({ ...about, type: 'token_issued', tokenId: token.tokenId }),
  ];
  const unit = aUnit(
    [
      ...(task.lineage.length > 0
        ? [{ do: 'count_child' as const, handle: task.lineage.at(-1)?.task ?? '', miss }]
        : []),
      { do: 'insert_task', task, miss },
      { do: 'insert_token', token },
    ],
    { events, ...over },
  );
  return { task, token, unit };
}

const rows = async () => {
  const tables = ['tasks', 'task_ids', 'tokens', 'audit_events'];
  return Promise.all(tables.map(async (table) => (await database.knex(table).count({ n: '*' }))[0]?.['n']));
};

/** Offers the units to the thread itself. */
const offer = (...units: UnitOfWork[]) => thread.commit(flatBatchOf(plainBatchOf(units), undefined));

describe('the thread that commits plain batches', () => {
  beforeEach(() => start());

  test('commits them all: the main connection begins no transaction', async () => {
    const openings = Array.from({ length: 300 }, () => opening());
    await Promise.all(openings.map(({ unit }) => store.commit(unit)));
    expect(begun).toBe(0);
    const found = await store.tasks.byHandles(openings.map(({ task }) => task.handle));
    expect(found).toEqual(openings.map(({ task }) => task));
    // Whatever else a unit does is for the main connection.
    const handle = openings[0]?.task.handle ?? '';
    await store.commit(aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }]));
    expect(begun).toBe(1);
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
    expect(begun).toBe(1);
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
    expect([begun, reads > 0]).toEqual([0, true]);
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
    expect(ends).toEqual([]);
  });

  test('ends with the database: what was under way is stored', async () => {
    const openings = Array.from({ length: 200 }, () => opening());
    const commits = openings.map(({ unit }) => store.commit(unit));
    await store.close();
    await Promise.all(commits);
    await start();
    expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(200);
    expect(ends).toEqual([]);
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
    expect(await offer(opening().unit, doubtful, opening().unit)).toBeUndefined();
    expect(await rows()).toEqual(before);
    // The thread goes on, and so does whoever stood beside.
    expect(await offer(opening().unit)).toBe(0);
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

  async function worksAgain(): Promise<void> {
    makeTrouble();
    const { task, unit } = opening();
    await store.commit(unit);
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    expect(await brokenRows(database.knex)).toEqual({});
    const late = performance.now() + 5000;
    while (!thread.takes(2)) {
      if (performance.now() > late) throw new Error('the thread does not come back');
      await setTimeout(20);
    }
    expect(await offer(opening().unit)).toBe(0);
  }

  /** Many units at once, some of them doubled; what was answered must be what is stored. */
  async function commitMany(): Promise<{ committed: number; refused: number }> {
    const openings = Array.from({ length: 100 }, () => opening());
    const outcomes = await Promise.allSettled(openings.map(({ unit }) => store.commit(unit)));
    const handles = openings.map(({ task }) => task.handle);
    const stored = new Set((await store.tasks.byHandles(handles)).map(({ handle }) => handle));
    const committed = handles.filter((_, i) => outcomes[i]?.status === 'fulfilled');
    expect(committed.filter((handle) => !stored.has(handle))).toEqual([]);
    expect(stored.size).toBe(committed.length);
    for (const one of outcomes) {
      if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(UnavailableError);
    }
    expect(await brokenRows(database.knex)).toEqual({});
    return { committed: committed.length, refused: 100 - committed.length };
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
    await worksAgain();
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
    expect(await commitMany()).toEqual({ committed: 100, refused: 0 });
    await worksAgain();
    expect([begun, ends]).toEqual([0, []]);
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
    await worksAgain();
    expect([begun, ends]).toEqual([0, []]);
  });

  const steps = ['BEGIN', 'INSERT INTO tasks', 'INSERT INTO audit_events', 'COMMIT'];
  const deaths = steps.flatMap((at) => [[at, 'before'] as const, [at, 'after'] as const]);
  test.each(deaths)('that dies at %s, %s it, is known by what it had committed', async (at, dies) => {
    makeTrouble({ at, dies, times: 1 });
    // The attempt after it is the main connection's.
    expect(await commitMany()).toEqual({ committed: 100, refused: 0 });
    expect(ends).toHaveLength(1);
    await worksAgain();
    expect(await commitMany()).toEqual({ committed: 100, refused: 0 });
  });

  test('that dies again and again is done without', async () => {
    makeTrouble({ at: 'COMMIT', dies: 'before', times: 1000 });
    for (let i = 0; i < 3; i += 1) expect(await commitMany()).toEqual({ committed: 100, refused: 0 });
    await worksAgain();
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
    await worksAgain();
    expect(ends).toEqual([expect.stringContaining('took more than')]);
  });
});

test('a thread that cannot start is done without, and not started for every batch', async () => {
  await start(new URL('data:text/javascript,throw new Error("no such thread")'), openDatabase);
  for (let asked = 0; asked < 200; asked += 1) thread.takes(2);
  for (let i = 0; ends.length === 0; i += 1) {
    await Promise.all([opening(), opening()].map(({ unit }) => store.commit(unit)));
    await setTimeout(5);
  }
  await Promise.all(Array.from({ length: 300 }, () => store.commit(opening().unit)));
  expect(ends).toEqual(['no such thread']);
  expect(thread.isReady).toBe(false);
  expect(await brokenRows(database.knex)).toEqual({});
});
