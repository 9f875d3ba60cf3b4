import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import { isLocked } from './unavailability.ts';

/** Where the configuration of a database keeps how long one request may wait for it, in milliseconds. */
export const TIMEOUT = 'taskgrantTimeoutMs';
const LOOK_AGAIN_MS = 20;

export function timeoutOf(db: Knex): number {
  return db.client.config[TIMEOUT] as number;
}

/** Commits what the work does, or undoes all of it when it throws. */
export function inTransaction<T>(db: Knex, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  return whenUnlocked(db, () =>
    db.transaction((trx) => {
      // knex begins the work even when BEGIN has failed, and would let it write outside any transaction.
      if (trx.isCompleted()) throw new Error('the transaction has not begun');
      return work(trx);
    }),
  );
}

/**
 * The driver of the embedded database would wait for another process's lock with the whole process; here everybody
 * else goes on meanwhile. Within a transaction the lock is held already.
 */
export async function whenUnlocked<T>(db: Knex, run: () => Promise<T>): Promise<T> {
  const late = performance.now() + timeoutOf(db);
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isLocked(error) || db.isTransaction === true || performance.now() > late) throw error;
    }
    await setTimeout(LOOK_AGAIN_MS);
  }
}
