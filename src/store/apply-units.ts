import type { Knex } from 'knex';
import type { Change, UnitOfWork } from '../app/unit-of-work.ts';
import type { DomainError } from '../domain/errors.ts';
import type { ChangeKind } from './applier.ts';
import { insertEvents } from './audit-events.ts';
import { applyChanges, precedes } from './changes.ts';
import { endedAmong } from './ledger.ts';
import { lockUntilCommit } from './locks.ts';

/** The units that met a guard or a change that did not hold, each with its first `miss`. */
export type Misses = ReadonlyMap<UnitOfWork, DomainError>;

/**
 * Applies units side by side in one transaction: what they have in common is one statement. The order of changes
 * within a unit is kept. When the answer is not empty nothing may be committed: the transaction must be undone.
 */
export async function applyUnits(trx: Knex.Transaction, units: readonly UnitOfWork[]): Promise<Misses> {
  // First of all, so that no other lock is held while waiting: sequence numbers must become visible in order.
  if (units.some(revokes)) await lockUntilCommit(trx, 'ledger');
  const refused = await checkGuards(trx, units);
  if (refused.size > 0) return refused;
  let progress: readonly Progress[] = units.map((unit) => ({ unit, at: unit.events[0]?.at ?? 0, done: 0 }));
  for (;;) {
    const kind = nextKind(progress);
    if (kind === undefined) break;
    const { advanced, misses } = await applyRound(trx, kind, progress);
    if (misses.size > 0) return misses;
    progress = advanced;
  }
  await insertEvents(trx, units);
  return new Map();
}

interface Progress {
  readonly unit: UnitOfWork;
  readonly at: number;
  /** How many of its changes are applied. */
  readonly done: number;
}

function revokes({ changes }: UnitOfWork): boolean {
  return changes.some((change) => change.do === 'revoke');
}

/** One query of the ledger for the guards of all units. */
async function checkGuards(trx: Knex.Transaction, units: readonly UnitOfWork[]): Promise<Misses> {
  const guards = units.flatMap((unit) => unit.guards.map((guard) => ({ unit, guard })));
  const ended = await endedAmong(
    trx,
    guards.map(({ guard }) => guard.live),
  );
  const refused = new Map<UnitOfWork, DomainError>();
  for (const [i, { unit, guard }] of guards.entries()) {
    if (ended[i] && !refused.has(unit)) refused.set(unit, guard.miss);
  }
  return refused;
}

function nextKind(progress: readonly Progress[]): ChangeKind | undefined {
  let first: ChangeKind | undefined;
  for (const { unit, done } of progress) {
    const kind = unit.changes[done]?.do;
    if (kind !== undefined && (first === undefined || precedes(kind, first))) first = kind;
  }
  return first;
}

/** Takes the next change of every unit whose next change is of that kind. */
async function applyRound(trx: Knex.Transaction, kind: ChangeKind, progress: readonly Progress[]) {
  const steps: { change: Change; at: number; of: Progress }[] = [];
  for (const of of progress) {
    const change = of.unit.changes[of.done];
    if (change?.do === kind) steps.push({ change, at: of.at, of });
  }
  const found = await applyChanges(trx, kind, steps);
  const misses = new Map<UnitOfWork, DomainError>();
  for (const [i, { of }] of steps.entries()) {
    const miss = found[i];
    if (miss) misses.set(of.unit, miss);
  }
  const applied = new Set(steps.map(({ of }) => of));
  const advanced = progress.map((one) => (applied.has(one) ? { ...one, done: one.done + 1 } : one));
  return { advanced, misses };
}
