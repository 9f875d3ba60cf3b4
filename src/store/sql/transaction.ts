import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import { otherWriterOf } from './other-writer.ts';
import { isLocked } from './unavailability.ts';

/** Where the configuration of a database keeps how long one request may wait for it, in milliseconds. */
export const TIMEOUT = 'taskgrantTimeoutMs';
const LOOK_AGAIN_MS = 20;

/**
 * How the time that a request may wait for the database is spent. Steps are a statement, a wait for a lock or one for a
 * connection. A commit needs a connection and then a statement: both fail before anybody gives up on it, so that it is
 * known what came of it.
 */
const SHARES = { queue: 0.3, step: 0.3, commit: 0.7 } as const;

/** The part of `timeoutMs` for a purpose, in milliseconds. */
export function shareOf(timeoutMs: number, purpose: keyof typeof SHARES): number {
  return Math.ceil(SHARES[purpose] * timeoutMs);
}

export function timeoutOf(db: Knex): number {
  return db.client.config[TIMEOUT] as number;
}

/** Commits what the work does, or undoes all of it when it throws, and throws the same. */
export function inTransaction<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return whenUnlocked(db, async () => {
    const failures: unknown[] = [];
    try {
      return await db.transaction(async (trx) => {
        // knex begins the work even when BEGIN has failed, and would let it write outside any transaction.
        if (trx.isCompleted()) throw new Error('the transaction has not begun');
        return work(trx).catch((error: unknown) => {
          failures.push(error);
          throw error;
        });
      });
    } catch (error) {
      // On a full disk SQLite has undone everything already, and knex tells of a ROLLBACK that found nothing to do.
      throw failures.length > 0 ? failures[0] : error;
    }
  });
}

/**
 * The driver of the embedded database would wait for another's lock with the whole thread; here everybody else goes on
 * meanwhile. Within a transaction the lock is held already.
 */
export async function whenUnlocked<T>(db: Knex, run: () => Promise<T>): Promise<T> {
  const late = performance.now() + shareOf(timeoutOf(db), 'step');
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isLocked(error) || db.isTransaction === true || performance.now() > late) throw error;
    }
    await lockMayBeFree(db);
  }
}

/** Another process tells nobody that it is done; the thread of this one does, and has more to write soon. */
async function lockMayBeFree(db: Knex): Promise<void> {
  const { writing } = otherWriterOf(db) ?? {};
  await Promise.race([setTimeout(LOOK_AGAIN_MS), ...(writing ? [writing] : [])]);
}
