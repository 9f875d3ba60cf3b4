import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import SqliteConnection from 'better-sqlite3';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import { type Trouble, trouble } from '../../support/failing-commits.ts';
import { aTask, aUnit, T0 } from '../../support/fixtures.ts';
import { commitMany, FAILING, miss, opening, TIMEOUT_MS, worksAgain } from '../committing.ts';
import { commitThread } from './commit-thread.ts';

const { on, start, rows } = commitThread();

describe('a thread in trouble', () => {
  beforeEach(() => start(FAILING));
  const makeTrouble = (what?: Trouble) => trouble(on().place.settings.dataDir, what);

  async function refused(unit = opening().unit): Promise<void> {
    await expect(on().store.commit(unit)).rejects.toBeInstanceOf(UnavailableError);
  }

  test('whose disk is full refuses, and goes on when there is room', async () => {
    const [{ page_count: pages }] = (await on().database.knex.raw('PRAGMA page_count')) as [
      { page_count: number },
    ];
    const pragma = `max_page_count = ${pages + 2}`;
    makeTrouble({ at: 'BEGIN', times: 1, pragma });
    const { unit } = opening();
    const events = unit.events.map((event) => ({ ...event, details: { filler: 'x'.repeat(200_000) } }));
    await refused({ ...unit, events });
    await refused({ ...unit, events });
    makeTrouble({ at: 'BEGIN', times: 1, pragma: 'max_page_count = 1000000' });
    await on().store.commit({ ...unit, events });
    await worksAgain(on());
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
    expect(await commitMany(on())).toEqual({ committed: 100, refused: 0 });
    await worksAgain(on());
    expect([on().begun(), on().ends]).toEqual([0, []]);
  });

  test('that finds the database locked waits for a while, and refuses then', async () => {
    const other = new SqliteConnection(`${on().place.settings.dataDir}/taskgrant.db`);
    other.exec('BEGIN IMMEDIATE');
    const waiting = Promise.all(Array.from({ length: 20 }, () => on().store.commit(opening().unit)));
    const started = performance.now();
    await on().store.tasks.search({ now: T0 }, { limit: 5 });
    expect(performance.now() - started).toBeLessThan(200);
    other.exec('COMMIT');
    await waiting;
    other.exec('BEGIN IMMEDIATE');
    await refused();
    expect(performance.now() - started).toBeLessThan(2 * TIMEOUT_MS);
    other.exec('COMMIT');
    other.close();
    await worksAgain(on());
    expect([on().begun(), on().ends]).toEqual([0, []]);
  });

  test('that does not answer any more is ended, and what it had committed is found', async () => {
    makeTrouble({ at: 'COMMIT', stallsMs: 60_000, times: 1 });
    const { unit, task } = opening();
    const started = performance.now();
    const late = on().store.commit(unit);
    await setTimeout(50);
    const behind = on().store.commit(opening().unit);
    // Who waits is told in time that nobody knows.
    await expect(late).rejects.toBeInstanceOf(UnavailableError);
    await expect(behind).rejects.toBeInstanceOf(UnavailableError);
    expect(performance.now() - started).toBeLessThan(1.5 * TIMEOUT_MS);
    await setTimeout(TIMEOUT_MS);
    expect(await on().store.tasks.byHandle(task.handle)).toEqual(task);
    await worksAgain(on());
    expect(on().ends).toEqual([expect.stringContaining('took more than')]);
  });

  test('keeps what came with its batch waiting, which is refused in time and not done later', async () => {
    const [ended, spared] = [aTask(), aTask()];
    await on().store.commit(opening(ended).unit);
    await on().store.commit(opening(spared).unit);
    makeTrouble({ at: 'COMMIT', stallsMs: 0.9 * TIMEOUT_MS, times: 1 });
    const end = ({ handle }: typeof ended) =>
      on().store.commit(aUnit([{ do: 'end_task', handle, state: 'completed', reason: null, at: T0, miss }]));
    const plain = Array.from({ length: 5 }, () => on().store.commit(opening().unit));
    const outcomes = await Promise.allSettled([...plain, end(ended), end(spared)]);
    expect(outcomes.slice(-2).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await setTimeout(TIMEOUT_MS);
    const found = await on().store.tasks.byHandles([ended.handle, spared.handle]);
    expect(found.map(({ state }) => state)).toEqual(['active', 'active']);
    await worksAgain(on());
  });
});
