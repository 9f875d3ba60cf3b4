import type { Change, UnitOfWork } from '../../../app/unit-of-work.ts';
import type { Basis } from '../../../domain/revocation.ts';
import type { ChangeKind, Step } from '../../sql/applier.ts';

const PLAIN: ReadonlySet<ChangeKind> = new Set(['insert_task', 'insert_token', 'count_child']);

/**
 * Whether all that a batch does is to open tasks and to issue tokens, on one version of the registry: most of what a
 * server commits.
 */
export function isPlain(units: readonly UnitOfWork[]): boolean {
  return units.every(isPlainUnit) && versionsOf(units).size <= 1;
}

export function isPlainUnit({ changes }: UnitOfWork): boolean {
  return changes.every((change) => PLAIN.has(change.do));
}

function versionsOf(units: readonly UnitOfWork[]): ReadonlySet<number> {
  return new Set(units.flatMap(({ registry }) => registry ?? []));
}

/** A shorter way to commit plain batches than a transaction of statements. */
export interface PlainCommits {
  /**
   * Answers how many deliveries to webhooks were recorded, or undefined when nothing was written.
   *
   * INVARIANT: stricter than applyUnits, never laxer. It does not find out what does not hold, or for whom: nothing is
   * written then, and the batch is for applyUnits to judge.
   */
  commit(units: readonly UnitOfWork[]): Promise<number | undefined>;
  /** Whether so many plain units are worth a commit apart from what else is in their batch. */
  areWorthACommit(count: number): boolean;
}

/** What a plain batch writes, and what it rests on. */
export interface PlainBatch {
  readonly units: readonly UnitOfWork[];
  readonly openings: readonly Step<'insert_task'>[];
  readonly issues: readonly Step<'insert_token'>[];
  readonly children: readonly Step<'count_child'>[];
  /** What must not have been revoked. Any row for one of its handles is a doubt, even one that ends nothing. */
  readonly bases: readonly Basis[];
  /** The version of the registry that was decided on; null = on none. */
  readonly registry: number | null;
}

export function plainBatchOf(units: readonly UnitOfWork[]): PlainBatch {
  const steps = units.flatMap(({ changes, events }) =>
    changes.map((change) => ({ change, at: events[0]?.at ?? 0 })),
  );
  const [registry = null] = versionsOf(units);
  return {
    units,
    openings: of(steps, 'insert_task'),
    issues: of(steps, 'insert_token'),
    children: of(steps, 'count_child'),
    bases: units.flatMap(({ guards }) => guards.map(({ live }) => live)),
    registry,
  };
}

/** All handles that the batch rests on, once each. */
export function handlesOf({ bases }: PlainBatch): readonly string[] {
  return [...new Set(bases.flatMap(({ dependencies }) => dependencies.map(({ handle }) => handle)))];
}

function of<K extends ChangeKind>(steps: readonly { change: Change; at: number }[], kind: K) {
  return steps.filter(({ change }) => change.do === kind) as unknown as readonly Step<K>[];
}
