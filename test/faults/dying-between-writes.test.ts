import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { type Nodes, startNodes } from './nodes.ts';
import { differenceOf, isNone } from './pairs/difference.ts';
import { OPERATIONS, type OperationName } from './pairs/operations.ts';
import { outcomeOfDying } from './pairs/outcome.ts';

const NAMES = Object.keys(OPERATIONS) as OperationName[];
/** Of which the engine spends the browser's way back first: whoever was on it begins again, at the client. */
const BEGINS_AGAIN: readonly OperationName[] = ['come back signed in', 'come back with the approval'];

/** What is written together is up to us, and not to the database: `npm run test:faults` tries the other one, too. */
const DATABASES =
  process.env['KILL_ROUNDS'] === undefined ? (['SQLite'] as const) : (['SQLite', 'PostgreSQL'] as const);

describe.each(DATABASES)('a server that dies between two writes (%s)', (kind) => {
  let nodes: Nodes;
  let db: Knex;
  beforeAll(async () => {
    nodes = await startNodes(kind);
    db = connect(nodes.database);
  });
  afterAll(async () => {
    await db?.destroy();
    await nodes?.stop();
  });

  test.each(NAMES)('leaves all that it would have done, or nothing: %s', async (name) => {
    const outcomeAfter = async (writes: number) => {
      const { left, ...outcome } = await outcomeOfDying(nodes, db, name, writes);
      const isOfBrowser = (line: string) => /^(signingIn|asked): /.test(line);
      return {
        ...outcome,
        left: BEGINS_AGAIN.includes(name) ? left.filter((line) => !isOfBrowser(line)) : left,
      };
    };
    const all = await outcomeAfter(Infinity);
    expect(all.status).toBeLessThan(400);
    if (all.writes < 2) return;
    const nothing = await outcomeAfter(0);
    for (let writes = 1; writes < all.writes; writes += 1) {
      const { left } = await outcomeAfter(writes);
      const differences = [all, nothing].map((one) =>
        differenceOf({ left, answers: {} }, { left: one.left, answers: {} }),
      );
      if (!differences.some(isNone)) expect({ writes, differences }).toBeUndefined();
    }
  });
});
