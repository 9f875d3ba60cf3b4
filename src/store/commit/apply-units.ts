import type { Knex } from 'knex';
import { REGISTRY_CHANGED, type UnitOfWork } from '../../app/unit-of-work.ts';
import type { DomainError } from '../../domain/errors.ts';
import type { ChangeKind, Step } from '../sql/applier.ts';
import { insertEvents } from '../tables/audit-events.ts';
import { applyChanges, isOneShot, precedes } from './changes.ts';
import { endedAmong } from '../ledger/ledger.ts';
import { lockUntilCommit } from '../sql/locks.ts';
import { registryVersion } from '../tables/registry.ts';
import { sendInOrder, sendTogether } from './send-together.ts';

/** The units that met a guard or a change that did not hold, each with its first `miss`. */
export type Misses = ReadonlyMap<UnitOfWork, DomainError>;

/** Is told how many deliveries to webhooks were recorded. */
export type Recorded = (deliveries: number) => void;

type Found = readonly (readonly [UnitOfWork, DomainError | undefined])[];

/**
 * Applies units side by side in one transaction: what they have in common is one statement. The order of changes
 * within a unit is kept. When the answer is not empty nothing may be committed: the transaction must be undone.
 */
export async function applyUnits(
  trx: Knex.Transaction,
  units: readonly UnitOfWork[],
  recorded: Recorded = () => {},
): Promise<Misses> {
  // First of all, so that no other lock is held while waiting: sequence numbers must become visible in order.
  if (units.some(revokes)) await lockUntilCommit(trx, 'ledger');
  // Before any row of it: each change of the registry ends in the same row, which must not close a circle.
  if (units.some(registers)) await lockUntilCommit(trx, 'registry');
  const rounds = roundsOf(units);
  const parts = [
    () => checkGuards(trx, units),
    ...(units.some(({ registry }) => registry !== undefined) ? [() => checkRegistry(trx, units)] : []),
    ...rounds.map((round) => () => applyRound(trx, round)),
    () => tellEvents(trx, units, recorded),
  ];
  // One-shot statements ask for nothing that another one answers: they travel together, and a miss undoes them all.
  if (rounds.every(({ kind }) => isOneShot(kind))) return firstMisses(await sendTogether(trx, parts, isMiss));
  return firstMisses(await sendInOrder(parts, isMiss));
}

async function tellEvents(
  trx: Knex.Transaction,
  units: readonly UnitOfWork[],
  recorded: Recorded,
): Promise<Found> {
  recorded(await insertEvents(trx, units));
  return [];
}

function isMiss([, miss]: Found[number]): boolean {
  return miss !== undefined;
}

function firstMisses(found: readonly Found[]): Misses {
  const misses = new Map<UnitOfWork, DomainError>();
  for (const [unit, miss] of found.flat()) {
    if (miss && !misses.has(unit)) misses.set(unit, miss);
  }
  return misses;
}

/** Whether the unit writes to the ledger. */
export function revokes({ changes }: UnitOfWork): boolean {
  return changes.some((change) => change.do === 'revoke');
}

const REGISTERS: ReadonlySet<ChangeKind> = new Set([
  'insert_agent',
  'update_agent',
  'insert_secret',
  'expire_secrets',
  'insert_resource_server',
  'update_resource_server',
  'delete_resource_server',
  'insert_role',
  'update_role',
  'delete_role',
  'assign_role',
  'unassign_role',
  // How many there are is counted, too.
  'insert_api_key',
  'insert_permission',
  // Whoever deletes its agent waits, or has done so before.
  'insert_webhook',
]);

function registers({ changes }: UnitOfWork): boolean {
  return changes.some((change) => REGISTERS.has(change.do));
}

/** Whether the registry is still the one that the units were decided on. */
async function checkRegistry(trx: Knex.Transaction, units: readonly UnitOfWork[]): Promise<Found> {
  const version = await registryVersion(trx);
  return units.map((unit) => [
    unit,
    unit.registry === undefined || unit.registry === version ? undefined : REGISTRY_CHANGED,
  ]);
}

/** One query of the ledger for the guards of all units. */
async function checkGuards(trx: Knex.Transaction, units: readonly UnitOfWork[]): Promise<Found> {
  const guards = units.flatMap((unit) => unit.guards.map((guard) => ({ unit, guard })));
  const ended = await endedAmong(
    trx,
    guards.map(({ guard }) => guard.live.dependencies),
  );
  return guards.map(({ unit, guard }, i) => [unit, ended[i] ? guard.miss : undefined]);
}

/** Changes of one kind, each the next one of its unit. */
interface Round {
  readonly kind: ChangeKind;
  readonly steps: readonly (Step<ChangeKind> & { readonly unit: UnitOfWork })[];
}

/** Brings the changes of all units into rounds: a unit's second change is in a later round than its first. */
function roundsOf(units: readonly UnitOfWork[]): readonly Round[] {
  const rounds: Round[] = [];
  const done = new Map(units.map((unit) => [unit, 0]));
  for (;;) {
    const next = units.flatMap((unit) => {
      const change = unit.changes[done.get(unit) ?? 0];
      return change ? [{ change, at: unit.events[0]?.at ?? 0, unit }] : [];
    });
    const [first] = next;
    if (!first) return rounds;
    const kind = next.reduce(
      (kind, { change }) => (precedes(change.do, kind) ? change.do : kind),
      first.change.do,
    );
    const steps = next.filter(({ change }) => change.do === kind);
    for (const { unit } of steps) done.set(unit, (done.get(unit) ?? 0) + 1);
    rounds.push({ kind, steps });
  }
}

async function applyRound(trx: Knex.Transaction, { kind, steps }: Round): Promise<Found> {
  const found = await applyChanges(trx, kind, steps);
  return steps.map(({ unit }, i) => [unit, found[i]]);
}
