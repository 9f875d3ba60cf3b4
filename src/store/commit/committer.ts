import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock, Committer } from '../../app/ports.ts';
import type { UnitOfWork } from '../../app/unit-of-work.ts';
import { UnavailableError } from '../../domain/unavailable.ts';
import { applyUnits, revokes } from './apply-units.ts';
import { recordedAmong } from '../tables/audit-events.ts';
import { isPlain, isPlainUnit } from './plain/plain-batch.ts';
import { plainCommits } from './plain/plain-commits.ts';
import { type RememberedLedger, rememberedLedger } from '../ledger/remembered-ledger.ts';
import { inTransaction, timeoutOf } from '../sql/transaction.ts';
import { isTimeout, isUnavailable } from '../sql/unavailability.ts';
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

export interface CommitterOptions {
  readonly patienceMs?: number;
  /** Called after every commit that holds deliveries to webhooks. */
  readonly recorded?: () => void;
  /** Called after every commit that wrote to the ledger. */
  readonly revoked?: () => void;
  /** What those who read have learnt of the ledger. */
  readonly ledger?: RememberedLedger;
  readonly clock?: Clock;
}

/**
 * Group commit: units that arrive while a batch is being written form the next batch, so the cost of a durable
 * commit is shared by as many requests as there are. There is no timer: an idle server commits at once.
 *
 * A unit that misses is taken out and the batch starts again; the one taken out is then tried alone, so that it
 * fails by itself and nobody fails for a neighbour. A database that is away fails all of them together: nobody waits
 * for the attempts of others, and nobody longer than `patienceMs` milliseconds.
 *
 */
export function groupCommitter(
  db: Knex,
  transact?: Transact,
  {
    patienceMs = timeoutOf(db),
    recorded = () => {},
    revoked = () => {},
    ledger = rememberedLedger(db),
    clock = { now: () => Date.now() },
  }: CommitterOptions = {},
): GroupCommitter {
  const queue = new UnitQueue(MOST_WAITING, patienceMs);
  // Tests that replace transactions mean to see every one of them.
  const plain = transact ? undefined : plainCommits(db, ledger);
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      // Lets the requests that have already arrived join the batch, and answers to the last one leave.
      await setImmediate();
      for (const part of partsOf(queue.take(MOST_IN_A_BATCH))) await settle(part);
    }
    running = undefined;
  }

  /** One unit that is not plain must not keep all others from the shorter way. */
  function partsOf(batch: readonly Waiting[]): readonly (readonly Waiting[])[] {
    const plainly = batch.filter(({ unit }) => isPlainUnit(unit));
    if (plainly.length === batch.length || !plain?.areWorthACommit(plainly.length)) return [batch];
    return [plainly, batch.filter(({ unit }) => !isPlainUnit(unit))];
  }

  /** Answers every unit of the batch; never rejects. `doubtful`: an attempt before this one failed. */
  async function settle(taken: readonly Waiting[], attempts = 2, doubtful = false): Promise<void> {
    // Whoever waited too long behind another part of the batch was refused, and nothing was tried for it yet.
    const batch = taken.filter(({ answered }) => !answered);
    const alone = { rest: batch, failure: undefined };
    let { rest, failure } = batch.length > 1 ? await together(batch) : alone;
    if (!isUnavailable(failure))
      ({ rest, failure } = await oneByOne(rest, doubtful || failure !== undefined));
    if (failure === undefined) return;
    if (isTimeout(failure)) return refuse(rest, failure);
    // The database was away. If it is back, those who still wait get a second attempt, and no third.
    const left = await unrecorded(rest, failure);
    if (attempts > 1) await settle(left, attempts - 1, true);
    else refuse(left, failure);
  }

  /** Commits as many as possible at once. `failure`: of a transaction that may have been committed nevertheless. */
  async function together(batch: readonly Waiting[]): Promise<Rest> {
    let rest = batch;
    // Twice: units may miss at different steps. More rounds would cost more than trying each one alone.
    for (let round = 0; round < 2 && rest.length > 0; round += 1) {
      try {
        const misses = await attempt(rest);
        if (misses.size > 0) {
          rest = rest.filter(({ unit, answered }) => !answered && !misses.has(unit));
          continue;
        }
        for (const waiting of rest) waiting.resolve();
        break;
      } catch (failure) {
        return { rest: batch, failure };
      }
    }
    return { rest: batch.filter(({ answered }) => !answered), failure: undefined };
  }

  /** Tries each unit by itself, up to the first that finds the database away: those behind it would, too. */
  async function oneByOne(batch: readonly Waiting[], doubtful: boolean): Promise<Rest> {
    for (const [i, waiting] of batch.entries()) {
      // Who has been told that it failed must not find it done later.
      if (waiting.answered) continue;
      try {
        const miss = await commitAlone(waiting, doubtful);
        if (miss) waiting.reject(miss);
        else waiting.resolve();
      } catch (failure) {
        if (isUnavailable(failure)) return { rest: batch.slice(i), failure };
        waiting.reject(failure as Error);
      }
    }
    return { rest: [], failure: undefined };
  }

  /** A transaction that fails (a deadlock) is tried once more, unless it was committed after all. */
  async function commitAlone(waiting: Waiting, doubtful: boolean): Promise<Error | undefined> {
    const { unit } = waiting;
    if (doubtful && (await isRecorded(unit))) return undefined;
    try {
      return await missOf(waiting, doubtful);
    } catch (failure) {
      if (isUnavailable(failure)) throw failure;
      if (await isRecorded(unit)) return undefined;
    }
    try {
      return await missOf(waiting, true);
    } catch (failure) {
      if (!isUnavailable(failure) && (await isRecorded(unit))) return undefined;
      throw failure;
    }
  }

  /** Of units whose transaction failed: answers those that were committed after all, and returns the others. */
  async function unrecorded(batch: readonly Waiting[], failure: unknown): Promise<readonly Waiting[]> {
    const open = batch.filter(({ answered }) => !answered);
    if (open.length === 0) return open;
    try {
      const recorded = await recordedAmong(
        db,
        open.map(({ unit }) => unit.id),
      );
      for (const waiting of open) if (recorded.has(waiting.unit.id)) waiting.resolve();
    } catch {
      refuse(open, failure);
    }
    return open.filter(({ answered }) => !answered);
  }

  function refuse(batch: readonly Waiting[], failure: unknown): void {
    for (const waiting of batch) waiting.reject(failure as Error);
  }

  /** `doubtful`: an attempt before may become visible only now, and make this one miss. */
  async function missOf(waiting: Waiting, doubtful: boolean): Promise<Error | undefined> {
    const { unit } = waiting;
    const miss = (await attempt([waiting])).get(unit);
    return miss && doubtful && (await isRecorded(unit)) ? undefined : miss;
  }

  async function isRecorded({ id }: UnitOfWork): Promise<boolean> {
    return (await recordedAmong(db, [id])).has(id);
  }

  async function attempt(batch: readonly Waiting[]): Promise<Misses> {
    const units = batch.map(({ unit }) => unit);
    const expired = expiredAmong(units, clock.now());
    if (expired.size > 0) return expired;
    const told = plain && isPlain(units) ? await plain.commit(units) : undefined;
    if (told !== undefined) {
      if (told > 0) recorded();
      return new Map();
    }
    let deliveries = 0;
    const counted = (count: number) => {
      deliveries = count;
    };
    try {
      await (transact ?? ((work) => inTransaction(db, work)))(async (trx) => {
        const misses = await applyUnits(trx, units, counted);
        if (misses.size > 0) throw new Undo(misses);
        // Each statement may have waited for a lock, and together for longer than anybody does.
        const late = batch.filter(({ answered }) => answered);
        if (late.length > 0) throw new Undo(new Map(late.map(({ unit }) => [unit, tooLate()])));
      });
      if (deliveries > 0) recorded();
      if (units.some(revokes)) revoked();
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

/** Units that are not settled yet, and what stands in the way of all of them. */
interface Rest {
  readonly rest: readonly Waiting[];
  readonly failure: unknown;
}

function tooLate(): Error {
  return new UnavailableError('database_unavailable', 'too slow: nothing was committed');
}

/** Units that stand on what has ended by itself since they were made. */
function expiredAmong(units: readonly UnitOfWork[], now: number): Misses {
  const misses = new Map<UnitOfWork, Error>();
  for (const unit of units) {
    const ended = unit.guards.find(({ until }) => until !== undefined && until.at <= now);
    if (ended?.until) misses.set(unit, ended.until.miss);
  }
  return misses;
}

/** Units that must not be committed, each with the reason. */
type Misses = ReadonlyMap<UnitOfWork, Error>;

/** Makes the transaction roll back; carries why. */
class Undo extends Error {
  readonly misses: Misses;

  constructor(misses: Misses) {
    super('the transaction is undone');
    this.misses = misses;
  }
}
