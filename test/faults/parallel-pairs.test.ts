import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { seedOfRun } from '../properties/sequences.ts';
import { onEveryDatabase } from './nodes.ts';
import { OPERATIONS, type OperationName } from './pairs/operations.ts';
import { type Order, type Outcome, outcomeOf, type Pair } from './pairs/outcome.ts';

const NAMES = Object.keys(OPERATIONS) as OperationName[];
const PAIRS = NAMES.flatMap((first, i) => NAMES.slice(i).map((second): Pair => ({ first, second })));
/** Others in each run, and many among the long runs of `npm run test:faults`. */
const SOME = process.env['KILL_ROUNDS'] === undefined ? 10 : 300;
const SEED = seedOfRun();

function drawn(): readonly Pair[] {
  const some = fc.shuffledSubarray(PAIRS, { minLength: SOME, maxLength: SOME });
  return fc.sample(some, { seed: SEED, numRuns: 1 })[0] ?? [];
}

/** Of two requests that were sent together: the one that was not refused, if the other was. */
function survivor({ statuses: { first = 0, second = 0 } }: Outcome): Order | undefined {
  if (first < 400 === second < 400) return undefined;
  return first < 400 ? ['first'] : ['second'];
}

onEveryDatabase(`two things at the same moment (TASKGRANT_SEED=${SEED})`, (nodes) => {
  let db: Knex;
  beforeAll(() => {
    db = connect(nodes().database);
  });
  afterAll(() => db.destroy());

  test.each(drawn().map((pair) => [pair.first, pair.second, pair] as const))(
    'end as if one came after the other, or as if one of them had not come: %s; %s',
    async (_first, _second, pair) => {
      const outcome = (order: Order) => outcomeOf(nodes(), db, pair, order);
      const apart = [await outcome(['first', 'second']), await outcome(['second', 'first'])];
      for (const order of ['together', { within: 'first' }, { within: 'second' }] as const) {
        const found = await outcome(order);
        expect(Math.max(...Object.values(found.statuses))).toBeLessThan(500);
        const possible = [...apart];
        // Refused as overtaken: somebody else had changed what it was decided on.
        const alone = survivor(found);
        if (alone) possible.push({ statuses: found.statuses, left: (await outcome(alone)).left });
        expect(possible).toContainEqual(found);
      }
    },
  );
});
