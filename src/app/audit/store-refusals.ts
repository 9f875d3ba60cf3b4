import type { AuditEvent } from '../../domain/audit-event.ts';
import { unavailability } from '../../domain/unavailable.ts';
import type { AppContext } from '../context.ts';
import { notDeferred } from '../idempotency/deferred-units.ts';
import type { UnitOfWork } from '../unit-of-work.ts';
import { reportFailure } from './report-failure.ts';

export interface Batch {
  readonly events: readonly AuditEvent[];
  /** Keeps what could not be stored as a count. */
  readonly failed: () => void;
}

/**
 * Stores batches one after the other; never rejects. `storeNext` answers false when there is nothing more to take, or
 * the database is away. What it was given last may be committed then: the same unit is handed over again before anything
 * else is taken, so that it is stored once.
 */
export function createBatchStore({
  store,
  ids,
  clock,
  log,
}: Pick<AppContext, 'clock' | 'ids' | 'log' | 'store'>) {
  let unconfirmed: { readonly unit: UnitOfWork; readonly batch: Batch } | undefined;

  const unitOf = ({ events }: Batch): UnitOfWork => ({
    id: ids.ordered(clock.now()),
    guards: [],
    changes: [],
    events,
  });

  return {
    waits: () => unconfirmed !== undefined,
    async storeNext(take: () => Batch | undefined): Promise<boolean> {
      const batch = unconfirmed?.batch ?? take();
      if (!batch) return false;
      const unit = unconfirmed?.unit ?? unitOf(batch);
      try {
        await notDeferred(() => store.commit(unit));
      } catch (error) {
        unconfirmed = unavailability(error) ? { unit, batch } : undefined;
        if (unconfirmed) return false;
        reportFailure(log, 'refusals could not be stored', error, { events: batch.events.length });
        batch.failed();
      }
      unconfirmed = undefined;
      return true;
    },
  };
}
