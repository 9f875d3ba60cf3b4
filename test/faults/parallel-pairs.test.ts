import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { seedOfRun } from '../properties/sequences.ts';
import { onEveryDatabase } from './nodes.ts';
import { BROWSER_OPERATIONS } from './pairs/browser-operations.ts';
import { type Difference, differenceOf, isNone } from './pairs/difference.ts';
import { OPERATIONS, type OperationName } from './pairs/operations.ts';
import { concurrentOrders, type Order, ordersInTurn } from './pairs/orders.ts';
import { outcomeOf, type Play } from './pairs/outcome.ts';
import type { Outcome } from './pairs/trace.ts';

/** `npm run test:faults`. */
const LONG = process.env['KILL_ROUNDS'] !== undefined;
/**
 * Browsers in long runs only: of two pages that are asked for at the same moment each may say, seldom, what neither says
 * after the other one. Somebody has to look at it then.
 */
const NAMES = (Object.keys(OPERATIONS) as OperationName[]).filter(
  (name) => LONG || !(name in BROWSER_OPERATIONS),
);
const PAIRS = NAMES.flatMap((first, i) => NAMES.slice(i).map((second): Play => [first, second]));
/** Others in each run. */
const [TWOS, THREES] = LONG ? [200, 60] : [8, 2];
const SEED = seedOfRun();

function drawn(): readonly Play[] {
  const twos = fc.shuffledSubarray(PAIRS, { minLength: TWOS, maxLength: TWOS });
  const three = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES), fc.constantFrom(...NAMES));
  const threes = fc.array(three, { minLength: THREES, maxLength: THREES });
  return fc.sample(fc.tuple(twos, threes), { seed: SEED, numRuns: 1 }).flat(2);
}

onEveryDatabase(`things at the same moment (TASKGRANT_SEED=${SEED})`, (nodes) => {
  let db: Knex;
  beforeAll(() => {
    db = connect(nodes().database);
  });
  afterAll(() => db.destroy());

  test.each(drawn().map((play) => [play.join('; '), play] as const))(
    'end as if one came after the other, or as if one that was refused had not come: %s',
    async (_names, play) => {
      const known = new Map<string, Outcome>();
      const inTurn = async (order: Order) => {
        const name = order.places.join();
        const outcome = known.get(name) ?? (await outcomeOf(nodes(), db, play, order));
        known.set(name, outcome);
        return outcome;
      };
      for (const order of concurrentOrders(play.length)) {
        const found = await outcomeOf(nodes(), db, play, order);
        const statuses = play.map((_, place) => Number.parseInt(found.answers[place] ?? '', 10));
        expect(Math.max(...statuses)).toBeLessThan(500);
        const places = [...statuses.keys()];
        const isRefused = (place: number) => (statuses[place] ?? 0) >= 400;
        const differences: Difference[] = [];
        // Refused as overtaken: somebody else had changed what it was decided on.
        for (const turn of ordersInTurn(
          places.filter((place) => !isRefused(place)),
          places.filter(isRefused),
        )) {
          const { answers, left } = await inTurn(turn);
          differences.push(differenceOf(found, { answers: { ...found.answers, ...answers }, left }));
          if (differences.some(isNone)) break;
        }
        if (!differences.some(isNone)) expect({ order, differences }).toBeUndefined();
      }
    },
  );
});
