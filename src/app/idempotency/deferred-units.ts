import { AsyncLocalStorage } from 'node:async_hooks';
import type { Committer } from '../ports.ts';
import { type Change, REGISTRY_CHANGED, type UnitOfWork } from '../unit-of-work.ts';

/** What one request hands to the store while its answer is not known yet. */
interface Deferral {
  open: boolean;
  readonly again: boolean;
  units: UnitOfWork[];
  changes: Change[];
}

const current = new AsyncLocalStorage<Deferral | undefined>();

/** A store that hands over units of work as ever, except within `deferUnits`, which keeps them back. */
export function deferrable<C extends Committer>(committer: C): C {
  return {
    ...committer,
    async commit(unit: UnitOfWork): Promise<void> {
      const deferral = openDeferral();
      if (deferral) deferral.units.push(unit);
      else await committer.commit(unit);
    },
  };
}

/** What work comes to whose units of work are kept back. */
export type Deferred<T> =
  /** All units as one, without an id of its own; undefined when there were none. */
  | { readonly result: T; readonly unit: UnitOfWork | undefined }
  /** What the work threw, and the units that outlive it. */
  | { readonly refusal: unknown; readonly lasting: readonly UnitOfWork[] };

/**
 * Runs work whose units of work are kept back instead of committed. `again`: they were decided on what has changed by
 * the time they were committed, so the work decides on what it reads. INVARIANT: what the work leaves running
 * afterwards commits for itself.
 */
export async function deferUnits<T>(
  work: () => Promise<T>,
  { again = false }: { readonly again?: boolean } = {},
): Promise<Deferred<T>> {
  const deferral: Deferral = { open: true, again, units: [], changes: [] };
  try {
    const result = await current.run(deferral, work);
    return { result, unit: merged(deferral) };
  } catch (refusal) {
    return { refusal, lasting: deferral.units.filter(({ outlivesRefusal }) => outlivesRefusal) };
  } finally {
    deferral.open = false;
  }
}

/** Runs work that would save records one by one; what it would have written is for the caller to commit. */
export async function deferChanges<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly changes: readonly Change[] }> {
  const deferral: Deferral = { open: true, again: false, units: [], changes: [] };
  try {
    const result = await current.run(deferral, work);
    return { result, changes: deferral.changes };
  } finally {
    deferral.open = false;
  }
}

/** Whether the request was decided before, on what has changed since. */
export function isDecidedAgain(): boolean {
  return openDeferral()?.again ?? false;
}

/** Adds a change to what the request commits in the end; false when nothing is kept back and it must be written now. */
export function deferChange(change: Change): boolean {
  const deferral = openDeferral();
  deferral?.changes.push(change);
  return deferral !== undefined;
}

/** Runs work that is no part of the request: the record of a refusal, which is kept whatever becomes of the request. */
export function notDeferred<T>(work: () => Promise<T>): Promise<T> {
  return current.run(undefined, work);
}

function openDeferral(): Deferral | undefined {
  const deferral = current.getStore();
  return deferral?.open ? deferral : undefined;
}

function merged({ units, changes }: Deferral): UnitOfWork | undefined {
  const [first] = units;
  if (!first) return undefined;
  const versions = new Set(units.flatMap(({ registry }) => registry ?? []));
  if (versions.size > 1) throw REGISTRY_CHANGED;
  const [registry] = versions;
  return {
    id: first.id,
    registry,
    guards: units.flatMap(({ guards }) => guards),
    changes: [...units.flatMap((unit) => unit.changes), ...changes],
    events: units.flatMap(({ events }) => events),
  };
}
