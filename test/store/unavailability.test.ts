import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Database as SqliteConnection } from 'better-sqlite3';
import pg from 'pg';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { groupCommitter } from '../../src/store/commit/committer.ts';
import { connect, type Database, openDatabase } from '../../src/store/database.ts';
import { gather } from '../../src/store/waiting/gather.ts';
import { KEYS } from '../../src/store/sql/locks.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { UnitQueue } from '../../src/store/commit/unit-queue.ts';
import { brokenRows } from '../faults/wholeness.ts';
import { aUnit, aUser, T0 } from '../support/fixtures.ts';
import { miss, opening } from './committing.ts';
import { openWithoutThread, type Place, postgresPlace, sqlitePlace } from './databases.ts';

function failure(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code });
}

describe('an embedded database that fails on the main thread', () => {
  let place: Place;
  let database: Database;
  let store: DatabaseStore;
  let connection: SqliteConnection;

  beforeEach(async () => {
    place = await sqlitePlace();
    database = await openWithoutThread({ ...place.settings, timeoutMs: 1000 });
    store = createStore(database);
    connection = (await database.knex.client.acquireConnection()) as SqliteConnection;
    await database.knex.client.releaseConnection(connection);
  });

  afterEach(async () => {
    await store.close();
    await place.remove();
  });

  /** Makes the next `times` statements of that text fail. */
  function failing(sql: string, code: string, times: number): void {
    const prepare = connection.prepare.bind(connection);
    let left = times;
    connection.prepare = (text: string) => {
      if (text === sql && left > 0) {
        left -= 1;
        throw failure(code);
      }
      return prepare(text);
    };
  }

  async function refused(unit = opening().unit): Promise<void> {
    await expect(store.commit(unit)).rejects.toBeInstanceOf(UnavailableError);
  }

  async function worksAgain(): Promise<void> {
    const { task, unit } = opening();
    await store.commit(unit);
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    expect(await brokenRows(database.knex)).toEqual({});
  }

  test('with a full disk: refuses, keeps what it answered, and goes on when there is room', async () => {
    const kept: string[] = [];
    const [{ page_count: pages }] = (await database.knex.raw('PRAGMA page_count')) as [
      { page_count: number },
    ];
    await database.knex.raw(`PRAGMA max_page_count = ${pages + 20}`);
    const outcomes = await Promise.all(
      Array.from({ length: 400 }, async () => {
        const { task, unit } = opening();
        const outcome = await store.commit(unit).then(
          () => 'committed',
          (error: unknown) => (error instanceof UnavailableError ? 'unavailable' : error),
        );
        if (outcome === 'committed') kept.push(task.handle);
        return outcome;
      }),
    );
    expect(new Set(outcomes)).toEqual(new Set(['committed', 'unavailable']));
    expect(await store.tasks.byHandles(kept)).toHaveLength(kept.length);
    // A small unit might still find room on a page that is not full; this one needs more pages than there may be.
    const { unit } = opening();
    const events = unit.events.map((event) => ({ ...event, details: { filler: 'x'.repeat(200_000) } }));
    await refused({ ...unit, events });
    await database.knex.raw('PRAGMA max_page_count = 1000000');
    await worksAgain();
    expect((await database.knex('tasks').count({ n: '*' }))[0]).toEqual({ n: kept.length + 1 });
  });

  test('when it cannot be written: refuses, and still reads', async () => {
    const { task, unit } = opening();
    await store.commit(unit);
    await database.knex.raw('PRAGMA query_only = ON');
    await refused();
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    await expect(store.artifacts.destroy('Session', 'any').then(() => 'destroyed')).rejects.toBeInstanceOf(
      UnavailableError,
    );
    await database.knex.raw('PRAGMA query_only = OFF');
    await worksAgain();
  });

  test('at COMMIT: the transaction is undone, and nothing joins it', async () => {
    failing('COMMIT;', 'SQLITE_FULL', 2);
    const lost = opening();
    await refused(lost.unit);
    expect(await store.tasks.byHandle(lost.task.handle)).toBeUndefined();
    await worksAgain();
    // Once is made up for: nobody needs to hear of it.
    failing('COMMIT;', 'SQLITE_IOERR', 1);
    await worksAgain();
  });

  test('at BEGIN: nothing is written outside a transaction', async () => {
    failing('BEGIN;', 'SQLITE_IOERR', 2);
    const lost = opening();
    await refused(lost.unit);
    expect(await database.knex('audit_events').count({ n: '*' })).toEqual([{ n: 0 }]);
    expect(await store.tasks.byHandle(lost.task.handle)).toBeUndefined();
    await worksAgain();
    // Locked for a moment: tried until the lock is free.
    failing('BEGIN;', 'SQLITE_BUSY', 3);
    await worksAgain();
  });
});

describe('a PostgreSQL that keeps everybody waiting', () => {
  let place: Place;
  let database: Database;
  let store: DatabaseStore;
  let locker: pg.Client;
  beforeAll(async () => {
    place = await postgresPlace();
    database = await openDatabase({ ...place.settings, timeoutMs: 1000 });
    store = createStore(database);
    locker = new pg.Client({ connectionString: place.settings.databaseUrl });
    await locker.connect();
  });
  afterAll(async () => {
    await locker.end();
    await store.close();
    await place.remove();
  });

  test('answers hundreds of units in time, and commits none of them afterwards', async () => {
    await locker.query('BEGIN; LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE');
    const started = performance.now();
    const openings = Array.from({ length: 400 }, () => opening());
    const outcomes = await Promise.allSettled(openings.map(({ unit }) => store.commit(unit)));
    expect(performance.now() - started).toBeLessThan(3000);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(UnavailableError) });
    }
    await locker.query('ROLLBACK');
    await setTimeout(1000);
    expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(0);
    const { task, unit } = opening();
    await store.commit(unit);
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
  });

  test('undoes a unit that waited for many locks, one after another, when its answer has been given', async () => {
    const [{ task, token, unit }, user] = [opening(), aUser()];
    await store.commit(unit);
    await store.commit(aUnit([{ do: 'insert_user', user, passwordHash: 'hash', miss }]));
    const { name, state, permissions } = user;
    const was = { name, state, permissions };
    const entry = {
      kind: 'task',
      epoch: 0,
      reason: null,
      actor: null,
      at: T0,
      expiresAt: T0 + 1000,
    } as const;
    const locks = [
      `SELECT pg_advisory_xact_lock(${KEYS.ledger})`,
      `SELECT 1 FROM users WHERE user_id = '${user.userId}' FOR UPDATE`,
      `SELECT 1 FROM tasks WHERE handle = '${task.handle}' FOR UPDATE`,
      `SELECT 1 FROM tokens WHERE token_id = '${token.tokenId}' FOR UPDATE`,
    ];
    const lockers = locks.map(() => new pg.Client({ connectionString: place.settings.databaseUrl }));
    await Promise.all(
      lockers.map(async (one, i) => {
        await one.connect();
        await one.query(`BEGIN; ${locks[i]}`);
      }),
    );
    const ending = Promise.allSettled([
      store.commit(
        aUnit([
          { do: 'update_user', userId: user.userId, expectEpoch: 0, expect: was, set: { epoch: 1 }, miss },
          { do: 'end_task', handle: task.handle, state: 'completed', reason: null, at: T0, miss },
          { do: 'mark_token_revoked', tokenId: token.tokenId, redeemedAs: null, miss, reason: null, at: T0 },
          { do: 'revoke', entry: { ...entry, handle: task.handle } },
        ]),
      ),
    ]);
    // Each is shorter than a statement may take.
    for (const one of lockers) {
      await setTimeout(240);
      await one.end();
    }
    expect(await ending).toMatchObject([{ status: 'rejected', reason: expect.any(UnavailableError) }]);
    await setTimeout(500);
    expect(await store.tasks.byHandle(task.handle)).toMatchObject({ state: 'active' });
    expect(await store.users.byId(user.userId)).toMatchObject({ epoch: 0 });
    expect(await store.ledger.entries({ kind: 'task', handle: task.handle })).toEqual([]);
  });

  test('lets a schema take the time that it needs', async () => {
    await locker.query('BEGIN; LOCK TABLE knex_migrations IN ACCESS EXCLUSIVE MODE');
    const opened = openDatabase({ ...place.settings, timeoutMs: 500 });
    await setTimeout(1500);
    await locker.query('COMMIT');
    await (await opened).close();
  });
});

describe('waiting for a database that is away', () => {
  test.each([
    ['whose socket in the file system is gone', 'postgres:///none?host=/nowhere', 'ENOENT'],
    ['whose port refuses', 'postgres://127.0.0.1:1/none', 'ECONNREFUSED'],
  ])('ends with one that %s', async (_, databaseUrl, code) => {
    const knex = connect({ databaseUrl, dataDir: ':memory:', poolMax: 2 });
    const store = createStore({ knex, close: () => knex.destroy() });
    const attempts = [store.ping(), store.commit(opening().unit), store.tasks.byTaskId('a')];
    for (const attempt of await Promise.allSettled(attempts)) {
      expect(attempt).toMatchObject({
        status: 'rejected',
        reason: { code: 'database_unavailable', message: expect.stringContaining(code) },
      });
    }
    await store.close();
  });

  test('ends for all with the first attempt: nobody waits for the attempts of others', async () => {
    const place = await sqlitePlace();
    const database = await openDatabase(place.settings);
    let attempts = 0;
    const committer = groupCommitter(database.knex, async () => {
      attempts += 1;
      await setTimeout(50);
      throw failure('ECONNREFUSED');
    });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 128 }, () => committer.commit(opening().unit)),
    );
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    // The whole batch, and once more for the connections that broke while they were idle.
    expect(attempts).toBe(2);
    await database.close();
    await place.remove();
  });

  test('is over in the queue after a part of the time, and the unit is never handed out', async () => {
    const queue = new UnitQueue(10, 200);
    const { unit } = opening();
    const waiting = queue.add(unit);
    await expect(waiting).rejects.toThrow('nothing was committed');
    expect(queue.length).toBe(0);
    expect(queue.take(10)).toEqual([]);
  });

  test('is bounded for readers, too', async () => {
    const read = gather(() => new Promise<(key: string) => string>(() => undefined));
    void read('under way');
    await setTimeout(5);
    for (let i = 0; i < 10_000; i += 1) void read(`${i}`);
    await expect(read('one too many')).rejects.toMatchObject({ code: 'overloaded' });
  });
});
