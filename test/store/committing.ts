import { setTimeout } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import type { Database, DatabaseSettings } from '../../src/store/database.ts';
import { type CommitThread, commitThreadOf } from '../../src/store/commit/plain/commit-thread.ts';
import { flatBatchOf } from '../../src/store/commit/plain/flat-batch.ts';
import { plainBatchOf } from '../../src/store/commit/plain/plain-batch.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { brokenRows } from '../faults/wholeness.ts';
import { anEvent, aTask, aToken, aUnit } from '../support/fixtures.ts';
import { trouble } from '../support/failing-commits.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { openWithThread, type Place } from './databases.ts';

export const miss = new DomainError('task_id_taken', 'it does not hold');
/** How long a thread that may be in trouble is waited for. */
export const TIMEOUT_MS = 1000;
/** The program of a thread that meets the trouble that is put in its way. */
export const FAILING = new URL('../support/failing-commit-worker.ts', import.meta.url);

/** A store whose plain batches a thread commits. */
export interface Committing {
  readonly place: Place;
  readonly database: Database;
  readonly store: DatabaseStore;
  readonly thread: CommitThread;
  /** Transactions of the main connection. */
  begun(): number;
  /** Why the thread has ended, each time. */
  readonly ends: readonly unknown[];
}

export async function openCommitting(
  place: Place,
  script?: URL,
  open: (settings: DatabaseSettings) => Promise<Database> = openWithThread,
): Promise<Committing> {
  const ends: unknown[] = [];
  const warn = (message: string, about?: Record<string, unknown>) => {
    if (message === 'the thread that commits has ended') ends.push(about?.['error']);
  };
  const logger = { warn, error: () => undefined };
  const timeoutMs = script === FAILING ? TIMEOUT_MS : PATIENCE_MS;
  const database = await open({ ...place.settings, timeoutMs, logger, commitScript: script });
  const store = createStore(database);
  const thread = commitThreadOf(database.knex) as CommitThread;
  let begun = 0;
  database.knex.on('query', ({ sql }: { sql: string }) => {
    if (sql.startsWith('BEGIN')) begun += 1;
  });
  return { place, database, store, thread, begun: () => begun, ends };
}

/** A task as it is opened, whole; or a child of one. */
export function opening(task = aTask(), over: Partial<UnitOfWork> = {}) {
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

/** Offers the units to the thread itself. */
export const offer = (thread: CommitThread, ...units: UnitOfWork[]) =>
  thread.commit(flatBatchOf(plainBatchOf(units), undefined));

/** Without trouble it commits again, and so does its thread. @throws Error when that takes 5 seconds. */
export async function worksAgain({ place, database, store, thread }: Committing): Promise<void> {
  trouble(place.settings.dataDir);
  const { task, unit } = opening();
  await store.commit(unit);
  expect(await store.tasks.byHandle(task.handle)).toEqual(task);
  expect(await brokenRows(database.knex)).toEqual({});
  const late = performance.now() + 5000;
  while (!thread.takes(2)) {
    if (performance.now() > late) throw new Error('the thread does not come back');
    await setTimeout(20);
  }
  expect(await offer(thread, opening().unit)).toBe(0);
}

/** Many units at once, some of them doubled; what was answered must be what is stored. */
export async function commitMany({
  database,
  store,
}: Committing): Promise<{ committed: number; refused: number }> {
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
