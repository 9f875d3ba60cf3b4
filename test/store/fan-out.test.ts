import { beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { FAN_OUT_ON_SQLITE } from '../../src/store/tables/fan-out.ts';
import { isPostgres } from '../../src/store/sql/statements.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anEvent, anId, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';
import { sqlitePlan } from './sqlite-plan.ts';

const STORED = 20_000;
const WEBHOOKS_OF_OTHERS = 4_000;

/** Rows that are made by the database itself, from the numbers up to `count`. */
async function many(knex: Knex, count: number, insert: string): Promise<void> {
  await knex.raw(
    `${insert} FROM (WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})
       SELECT n FROM numbers) AS numbers`,
  );
}

const registerFor = (agent: string) => `INSERT INTO webhooks
  (id, agent_id, url, host, events, description, enabled, failures, sealed_secret, created_at, updated_at)
  SELECT '${agent}' || n, '${agent}' || n, 'https://h.example/', 'h.example', '["*"]', '', TRUE, 0, 's', ${T0}, ${T0}`;

const TELL = `INSERT INTO audit_events (id, at, type, outcome, client_id, details, unit_id, position)
  SELECT 'stored' || n, ${T0}, 'token_issued', 'success', 'long-ago', '{}', 'unit' || n, 0`;

onEveryDatabase('recording deliveries', (open) => {
  let store: DatabaseStore;
  beforeAll(async () => {
    store = createStore(open());
    await many(open().knex, STORED, TELL);
    await many(open().knex, 1, registerFor('agent-'));
  });

  /** Milliseconds that a batch of events takes to commit: the median of several. */
  async function commitTime(): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      const units = Array.from({ length: 32 }, () =>
        aUnit([], {
          events: [anEvent({ type: 'task_opened', clientId: 'agent-1' }), anEvent({ clientId: anId() })],
        }),
      );
      const began = performance.now();
      await Promise.all(units.map((unit) => store.commit(unit)));
      times.push(performance.now() - began);
    }
    return times.toSorted((a, b) => a - b)[3] ?? 0;
  }

  test('costs the same however many events are stored and webhooks are about other agents', async () => {
    const { knex } = open();
    const before = await commitTime();
    await many(knex, WEBHOOKS_OF_OTHERS, registerFor('other-'));
    const after = await commitTime();
    expect(before).toBeLessThan(150);
    expect(after).toBeLessThan(5 * before + 20);
    const [row] = await knex('webhook_deliveries').where('webhook_id', 'agent-1').count({ rows: '*' });
    expect(Number(row?.['rows'])).toBe(2 * 7 * 32);
  });

  test('reads events by their units, and webhooks by the agents of these events', async () => {
    const { knex } = open();
    // PostgreSQL decides by statistics.
    if (isPostgres(knex)) return;
    const steps = await sqlitePlan(knex, FAN_OUT_ON_SQLITE, ['[]']);
    const readings = (table: string) => new Set(steps.filter((step) => step.split(' ')[1] === table));
    const byUnit = 'SEARCH audit_events USING INDEX sqlite_autoindex_audit_events_1 (unit_id=?)';
    expect(readings('audit_events')).toEqual(new Set([byUnit]));
    expect(readings('w')).toEqual(new Set(['SEARCH w USING INDEX webhooks_agent (<expr>=?)']));
    expect(readings('parent')).toEqual(new Set(['SEARCH parent USING INDEX tasks_task_id (task_id=?)']));
  });
});
