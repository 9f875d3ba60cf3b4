import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Committer } from '../app/ports.ts';
import type { UnitOfWork } from '../app/unit-of-work.ts';
import { applyUnits, type Misses } from './apply-units.ts';
import { isRecorded } from './audit-events.ts';
import { UnitQueue, type Waiting } from './unit-queue.ts';

/** Twice as many as 64 commit a third more units per second; more than that blocks the embedded database too long. */
const MOST_IN_A_BATCH = 128;
const MOST_WAITING = 10_000;

/** Runs work in one transaction: all of it is committed, or none when it throws. */
export type Transact = <T>(work: (trx: Knex.Transaction) => Promise<T>) => Promise<T>;

export interface GroupCommitter extends Committer {
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
}

/**
 * Group commit: units that arrive while a batch is being written form the next batch, so the cost of a durable
 * commit is shared by as many requests as there are. There is no timer: an idle server commits at once.
 *
 * A unit that misses is taken out and the batch starts again; the one taken out is then tried alone, so that it
 * fails by itself and nobody fails for a neighbour.
 */
export function groupCommitter(
  db: Knex,
  transact: Transact = (work) => db.transaction(work),
): GroupCommitter {
  const queue = new UnitQueue(MOST_WAITING);
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      // Lets the requests that have already arrived join the batch, and answers to the last one leave.
      await setImmediate();
      await settle(queue.take(MOST_IN_A_BATCH));
    }
    running = undefined;
  }

  /** Answers every unit of the batch; never rejects. */
  async function settle(batch: readonly Waiting[]): Promise<void> {
    const { committed, doubtful } =
      batch.length > 1 ? await together(batch) : { committed: new Set(), doubtful: false };
    for (const waiting of batch) {
      if (committed.has(waiting)) waiting.resolve();
      else await alone(waiting, doubtful);
    }
  }

  /** Commits as many as possible at once. `doubtful`: a transaction failed, perhaps after it was committed. */
  async function together(
    batch: readonly Waiting[],
  ): Promise<{ committed: Set<Waiting>; doubtful: boolean }> {
    let rest = batch;
    // Twice: units may miss at different steps. More rounds would cost more than trying each one alone.
    for (let round = 0; round < 2 && rest.length > 0; round += 1) {
      try {
        const misses = await attempt(rest.map(({ unit }) => unit));
        if (misses.size === 0) return { committed: new Set(rest), doubtful: false };
        rest = rest.filter(({ unit }) => !misses.has(unit));
      } catch {
        return { committed: new Set(), doubtful: true };
      }
    }
    return { committed: new Set(), doubtful: false };
  }

  async function alone({ unit, resolve, reject }: Waiting, doubtful: boolean): Promise<void> {
    try {
      const miss = await commitAlone(unit, doubtful);
      if (miss) reject(miss);
      else resolve();
    } catch (error) {
      reject(error);
    }
  }

  /** A transaction that fails (deadlock, lost connection) is tried once more, unless it was committed after all. */
  async function commitAlone(unit: UnitOfWork, doubtful: boolean): Promise<Error | undefined> {
    if (doubtful && (await isRecorded(db, unit.id))) return undefined;
    try {
      return await missOf(unit);
    } catch {
      if (await isRecorded(db, unit.id)) return undefined;
    }
    try {
      const miss = await missOf(unit);
      // The first attempt may have become visible only now.
      return miss && (await isRecorded(db, unit.id)) ? undefined : miss;
    } catch (error) {
      if (await isRecorded(db, unit.id)) return undefined;
      throw error;
    }
  }

  async function missOf(unit: UnitOfWork): Promise<Error | undefined> {
    return (await attempt([unit])).get(unit);
  }

  async function attempt(units: readonly UnitOfWork[]): Promise<Misses> {
    try {
      await transact(async (trx) => {
        const misses = await applyUnits(trx, units);
        if (misses.size > 0) throw new Undo(misses);
      });
      return new Map();
    } catch (error) {
      if (error instanceof Undo) return error.misses;
      throw error;
    }
  }

  return {
    commit(unit) {
      const committed = queue.add(unit);
      running ??= run();
      return committed;
    },
    drained: async () => running,
  };
}

/** Makes the transaction roll back; carries why. */
class Undo extends Error {
  readonly misses: Misses;

  constructor(misses: Misses) {
    super('the transaction is undone');
    this.misses = misses;
  }
}
