import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DomainError } from '../../src/domain/errors.ts';
import { auditEvents } from '../../src/store/tables/audit-events.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { tasks } from '../../src/store/tables/tasks.ts';
import { tokens } from '../../src/store/tables/tokens.ts';
import { anEvent, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { type Place, sqlitePlace } from './databases.ts';

/** Of each; a server that issues one token a second keeps ten times as many tokens and thirty times as many tasks. */
const ROWS = 200_000;
const miss = new DomainError('conflict', 'it does not hold');
const now = T0 + 1000;

let place: Place;
let database: Database;
let store: DatabaseStore;

beforeAll(async () => {
  place = await sqlitePlace();
  database = await openDatabase(place.settings);
  store = createStore(database);
  const task = aTask({ handle: 'live', taskId: 'live' });
  const token = aToken(task, { tokenId: 'live', digest: null });
  await store.commit(
    aUnit(
      [
        { do: 'insert_task', task, miss },
        { do: 'insert_token', token },
      ],
      { events: [anEvent({ taskId: 'live', type: 'token_issued' })] },
    ),
  );
  const older = (column: string) => `${column} - 7200000 - n * 1000`;
  await copy('tasks', [...tasks.columns, 'path', 'parent_handle'], 'handle', {
    handle: "'h' || n",
    task_id: "'t' || n",
    root_task_id: "'t' || n",
    path: "'h' || n",
    created_at: older('created_at'),
    expires_at: older('expires_at'),
  });
  await copy('tokens', tokens.columns, 'token_id', {
    token_id: "'k' || n",
    task_handle: "'h' || n",
    task_id: "'t' || n",
    issued_at: older('issued_at'),
    expires_at: older('expires_at'),
  });
  await copy('audit_events', [...auditEvents.columns, 'unit_id', 'position'], 'task_id', {
    id: "'e' || n",
    unit_id: "'u' || n",
    task_id: "'t' || n",
    at: older('at'),
  });
});
afterAll(async () => {
  await store.close();
  await place.remove();
});

/** Rows as the live one has them, but for what changes with their number `n`. */
async function copy(table: string, columns: readonly string[], key: string, changed: Record<string, string>) {
  await database.knex.raw(
    `INSERT INTO ${table} (${columns.join(', ')})
     WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ROWS})
     SELECT ${columns.map((column) => changed[column] ?? column).join(', ')} FROM ${table}, numbers WHERE ${key} = 'live'`,
  );
}

const PAGE = { limit: 20 };

test.each([
  ['tokens that are valid', () => store.tokens.search({ valid: true, now }, PAGE)],
  ['valid tokens of an agent', () => store.tokens.search({ valid: true, clientId: 'agent-a', now }, PAGE)],
  ['tasks that are active', () => store.tasks.search({ state: 'active', now }, PAGE)],
  ['tasks that failed', () => store.tasks.search({ state: 'failed', now }, PAGE)],
  ['tasks that were revoked', () => store.tasks.search({ state: 'revoked', now }, PAGE)],
  ['events that are errors', () => store.audit.search({ outcome: 'error' }, PAGE)],
  ['errors of a type', () => store.audit.search({ type: 'token_issued', outcome: 'error' }, PAGE)],
  ['errors of an agent', () => store.audit.search({ clientId: 'agent-a', outcome: 'error' }, PAGE)],
  [
    'events of a type and agent',
    () => store.audit.search({ clientId: 'agent-a', type: 'task_failed' }, PAGE),
  ],
])('looking for few %s among many others lets everybody else have a turn', async (_, search) => {
  let isOver = false;
  let turns = 0;
  const searching = search().finally(() => {
    isOver = true;
  });
  for (; !isOver; turns += 1) await setImmediate();
  await searching;
  // A thousand rows at once.
  expect(turns).toBeGreaterThan(ROWS / 2000);
});

test('finds each of few once, in order, page by page', async () => {
  await database.knex('tasks').whereLike('handle', 'h%999').update({ state: 'failed' });
  const found: string[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await store.tasks.search({ state: 'failed', now }, { limit: 7, after });
    found.push(...items.map(({ handle }) => handle));
    after = next ?? undefined;
  } while (after !== undefined);
  const numbers = Array.from({ length: ROWS / 1000 }, (_, i) => i * 1000 + 999);
  expect(found).toEqual(numbers.map((n) => `h${n}`));
});

test('ends its page early when it has looked at very many, and goes on from there', async () => {
  const first = await store.audit.search({ outcome: 'error' }, PAGE);
  expect(first.items).toEqual([]);
  expect(await store.audit.search({ outcome: 'error' }, { ...PAGE, after: first.next ?? '' })).toEqual({
    items: [],
    next: null,
  });
});
