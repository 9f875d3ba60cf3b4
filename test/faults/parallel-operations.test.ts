import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import type { Operation } from '../support/described-operations.ts';
import { adminToken } from '../support/parties.ts';
import { type Answer, bearer } from '../support/requests.ts';
import { type Scene, sceneOf } from '../support/scene-of-route.ts';
import { askIn, CHANGING } from './changing-operations.ts';
import { atOnce, onEveryDatabase } from './nodes.ts';

const MANY = 8;

onEveryDatabase('what many ask for at the same moment', (nodes) => {
  let db: Knex;
  let headers: Record<string, string>;
  beforeAll(async () => {
    db = connect(nodes().database);
    headers = bearer(await adminToken(nodes().front));
  });
  afterAll(() => db.destroy());

  /** Of all that happened, how much the audit trail calls a success. */
  async function recorded(): Promise<number> {
    const [row] = await db('audit_events').where({ outcome: 'success' }).count({ events: '*' });
    return Number(row?.['events']);
  }

  const ask = (operation: Operation, scene: Scene) => askIn(nodes().front, operation, scene, headers);

  /** How many of the answers are successes, and how many events they left. */
  async function outcome(asking: () => Promise<readonly Answer[]>): Promise<readonly [number, number]> {
    const before = await recorded();
    const answers = await asking();
    const successes = answers.filter(({ status }) => status < 300).length;
    return [successes, (await recorded()) - before];
  }

  test.each(CHANGING)('is done as often as one after the other would do it: %s', async (_, operation) => {
    const server = nodes().front;
    let scene = await sceneOf(server, operation);
    const [first, events] = await outcome(async () => [await ask(operation, scene)]);
    const [again, more] = await outcome(async () => [await ask(operation, scene)]);
    scene = await sceneOf(server, operation);
    const [successes, left] = await outcome(() => atOnce(() => ask(operation, scene), MANY));
    // What can be done again may be refused as overtaken instead; what can be done once is done once.
    const most = first + again * (MANY - 1);
    expect(successes).toBeGreaterThanOrEqual(first);
    expect(successes).toBeLessThanOrEqual(most);
    expect(left).toBe(events + more * (successes - first));
  });
});
