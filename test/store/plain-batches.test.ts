import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Change, UnitOfWork } from '../../src/app/unit-of-work.ts';
import { AUDIT_EVENT_TYPES } from '../../src/domain/audit-event.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { basisOf } from '../../src/domain/revocation.ts';
import type { Task } from '../../src/domain/task.ts';
import { applyUnits } from '../../src/store/commit/apply-units.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { isPlain } from '../../src/store/commit/plain/plain-batch.ts';
import { plainCommits } from '../../src/store/commit/plain/plain-commits.ts';
import { inTransaction } from '../../src/store/sql/transaction.ts';
import { aChild, anEvent, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { openWithoutThread, openWithThread, type Place, postgresPlace, sqlitePlace } from './databases.ts';
import { rememberedLedger } from '../../src/store/ledger/remembered-ledger.ts';

const miss = new DomainError('conflict', 'it does not hold');
/** What a plain batch writes to, with what names a row. */
const TABLES = {
  tasks: ['handle'],
  task_ids: ['task_id'],
  tokens: ['token_id'],
  audit_events: ['id'],
  webhook_deliveries: ['webhook_id', 'event_id'],
};
/** Each a level deeper than the one before. */
const OPENED = chain(6);
const UNKNOWN = aTask({ handle: 'unknown' });
const ENDED = aTask({ handle: 'ended', taskId: 'task-ended', state: 'failed', endedAt: T0 });
const REVOKED = { kind: 'task', handle: 'gone', epoch: 0 } as const;

/** Text as it comes from outside: of any script, with NUL and halves of surrogate pairs. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'a\u0000b', '\ud800', 'it\'s "quoted"'),
);
const list = fc.array(text, { maxLength: 3 });
const nullable = fc.option(text, { nil: null });
const moment = fc.integer({ min: T0, max: T0 + 3_600_000 });

const values = fc.record({
  description: text,
  scope: list,
  tools: list,
  leaf: fc.boolean(),
  createdAt: moment,
});

/** What one unit does: nothing, a root, a child of a task that is there, or one of what may not be. */
const parentIndex = fc.option(fc.integer({ min: 0, max: OPENED.length }), { nil: null, freq: 1 });
const unit = fc
  .record({
    values,
    parent: parentIndex,
    opens: fc.boolean(),
    doubt: fc.oneof(
      { weight: 30, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom('revoked', 'registry', 'taken') },
    ),
    events: fc.array(
      fc.record({
        type: fc.constantFrom(...AUDIT_EVENT_TYPES),
        outcome: fc.constantFrom('success' as const, 'refused' as const),
        clientId: fc.constantFrom('agent-0', 'agent-1', 'agent-2'),
        reason: nullable,
        details: fc.dictionary(text, fc.jsonValue(), { maxKeys: 2 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map((drawn): UnitOfWork => {
    const parent = drawn.parent === null ? undefined : (OPENED[drawn.parent] ?? ENDED);
    const over = { ...drawn.values, ...(drawn.doubt === 'taken' ? { taskId: 'task-open-0' } : {}) };
    const task = parent ? aChild(parent, 'via', over) : aTask(over);
    return aUnit(drawn.opens ? changesFor(task) : [], {
      guards: [{ live: basisOf(drawn.doubt === 'revoked' ? REVOKED : { ...REVOKED, handle: anId() }), miss }],
      registry: drawn.doubt === 'registry' ? 1_000_000 : undefined,
      events: drawn.events.map((event) => anEvent({ ...event, parentTaskId: parent?.taskId ?? null })),
    });
  });

function chain(length: number): readonly Task[] {
  const found: Task[] = [];
  for (let i = 0; i < length; i += 1) {
    const over = { handle: `open-${i}`, taskId: `task-open-${i}`, clientId: `agent-${i % 2}` };
    const room = { maxChildren: 1 + 3 * i };
    const parent = found.at(-1);
    found.push(parent ? aChild(parent, `via-${i}`, { ...over, ...room }) : aTask({ ...over, ...room }));
  }
  return found;
}

function changesFor(task: Task): readonly Change[] {
  const parent = task.lineage.at(-1)?.task;
  return [
    ...(parent === undefined ? [] : [{ do: 'count_child' as const, handle: parent, miss }]),
    { do: 'insert_task', task, miss },
    { do: 'insert_token', token: aToken(task, { scope: task.scope, detailed: task.leaf }) },
  ];
}

const KINDS = {
  SQLite: { place: sqlitePlace, open: openWithThread, openApart: openWithoutThread },
  PostgreSQL: { place: postgresPlace, open: openDatabase, openApart: openDatabase },
} as const;

describe.each(Object.entries(KINDS))('a plain batch on %s', (kind, { place, open, openApart }) => {
  let places: Place[];
  let beside: Database;
  let plainly: Database;
  beforeAll(async () => {
    places = [await place(), await place()];
    beside = await open((places[0] as Place).settings);
    plainly = await openApart((places[1] as Place).settings);
    for (const { knex } of [beside, plainly]) await prepare(knex);
  });
  afterAll(async () => {
    await beside?.close();
    await plainly?.close();
    for (const one of places) await one.remove();
  });

  const before = [
    ...[...OPENED, ENDED].map((task) => aUnit(changesFor(task))),
    aUnit([{ do: 'revoke', entry: { ...REVOKED, reason: null, actor: null, at: T0, expiresAt: T0 } }]),
  ];
  async function prepare(db: Database['knex']): Promise<void> {
    // A parent is there before its child is counted.
    for (const one of before) await inTransaction(db, (trx) => applyUnits(trx, [one]));
    const webhook = {
      url: 'https://a.example',
      host: 'a.example',
      description: '',
      enabled: true,
      failures: 0,
    };
    const times = { sealed_secret: 's', created_at: T0, updated_at: T0 };
    const webhooks = [
      { id: 'all', owner: null, agent_id: null, events: '["*"]', ...webhook, ...times },
      {
        id: 'one',
        owner: null,
        agent_id: 'agent-1',
        events: '["task.*","token.issued"]',
        ...webhook,
        ...times,
      },
    ];
    await db('webhooks').insert(webhooks.map((row) => ({ ...row, enabled: kind === 'SQLite' ? 1 : true })));
  }

  /** Without the numbers of deliveries: PostgreSQL leaves out those of what it has undone. */
  const rowsOf = async ({ knex }: Database) =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(TABLES).map(async ([table, keys]) => {
          const rows = (await knex(table).orderBy([...keys])) as Record<string, unknown>[];
          return [table, rows.map(({ seq: _, ...row }) => row)];
        }),
      ),
    );
  const commits = () => plainCommits(beside.knex, rememberedLedger(beside.knex));

  test('leaves the same rows as applyUnits', async () => {
    const plain = commits();
    const counted = { committed: 0, judged: 0, delivered: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(unit, { minLength: 1, maxLength: 12 }), async (units) => {
        expect(isPlain(units) || units.some(({ registry }) => registry !== undefined)).toBe(true);
        const told = await plain?.commit(units);
        let deliveries = 0;
        const misses = await inTransaction(plainly.knex, async (trx) => {
          const found = await applyUnits(trx, units, (count) => (deliveries = count));
          if (found.size > 0) await trx.rollback(new Undone());
          return found;
        }).catch((error: unknown) => error);
        // Stricter, never laxer; and no stricter than these batches deserve.
        expect([misses instanceof Map && misses.size === 0, deliveries]).toEqual(
          told === undefined ? [false, expect.any(Number)] : [true, told],
        );
        counted[told === undefined ? 'judged' : 'committed'] += 1;
        counted.delivered += told ?? 0;
      }),
      { numRuns: 200 },
    );
    expect(Math.min(...Object.values(counted))).toBeGreaterThan(5);
    expect(await rowsOf(beside)).toEqual(await rowsOf(plainly));
  });

  test('stores no child of a parent that is not there, counted or not: nothing above would end it', async () => {
    const stored = await rowsOf(beside);
    const orphan = changesFor(aChild(UNKNOWN, 'via')).filter((change) => change.do !== 'count_child');
    expect(await commits()?.commit([aUnit(orphan)])).toBeUndefined();
    expect(await rowsOf(beside)).toEqual(stored);
  });
});

class Undone extends Error {}
