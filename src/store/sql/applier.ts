import type { Knex } from 'knex';
import type { Change } from '../../app/unit-of-work.ts';

export type ChangeKind = Change['do'];

export type ChangeOf<K extends ChangeKind> = Extract<Change, { readonly do: K }>;

/** One change of one unit. `at` is the time of the unit's first event, in milliseconds since the epoch. */
export interface Step<K extends ChangeKind> {
  readonly change: ChangeOf<K>;
  readonly at: number;
}

/**
 * Applies changes of one kind, each of another unit, and answers for each whether it found the row in the
 * expected state. INVARIANT: no two of them have a conditional key in common (see conditional-keys.ts).
 */
export type Applier<K extends ChangeKind> = (
  db: Knex,
  steps: readonly Step<K>[],
) => Promise<readonly boolean[]>;

/** For kinds that are too rare to be worth one statement for many. */
export function eachAlone<K extends ChangeKind>(
  apply: (db: Knex, change: ChangeOf<K>) => Promise<boolean>,
): Applier<K> {
  return async (db, steps) => {
    const hits: boolean[] = [];
    for (const { change } of steps) hits.push(await apply(db, change));
    return hits;
  };
}
