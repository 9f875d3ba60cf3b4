import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { type Place, sqlitePlace } from './databases.ts';
import { sqlitePlan } from './sqlite-plan.ts';

let place: Place;
let database: Database;
let store: DatabaseStore;
beforeAll(async () => {
  place = await sqlitePlace();
  database = await openDatabase(place.settings);
  store = createStore(database);
});
afterAll(async () => {
  await database.close();
  await place.remove();
});

const PAGE = { limit: 20 };
const now = 5;

/** What a reading asks the embedded database, and how that goes about each of it. */
async function plansOf(reading: () => Promise<unknown>): Promise<readonly (readonly string[])[]> {
  const { knex } = database;
  const asked: { sql: string; bindings: string[] }[] = [];
  const hear = (query: (typeof asked)[number]) => void asked.push(query);
  knex.on('query', hear);
  await reading();
  knex.off('query', hear);
  const plans: (readonly string[])[] = [];
  for (const { sql, bindings } of asked) plans.push(await sqlitePlan(knex, sql, bindings));
  return plans;
}

/** How the embedded database finds the rows of a table that the first statement of a search reads. */
async function wayTo(table: string, search: () => Promise<unknown>): Promise<readonly string[]> {
  const [steps = []] = await plansOf(search);
  return steps.flatMap(
    (step) => new RegExp(`^SEARCH ${table} USING (?:COVERING )?INDEX (\\w+)`).exec(step)?.[1] ?? [],
  );
}

test.each([
  ['audit_events_task', { taskIds: ['a', 'b'] }],
  ['audit_events_task', { taskIds: ['a'], type: 'task_derived' }],
  [
    'audit_events_task',
    { taskIds: ['a'], type: 'token_refused', clientId: 'a', from: 1, to: 2, order: 'oldest' },
  ],
  ['audit_events_token', { tokenId: 'a', type: 'token_issued', clientId: 'a' }],
  ['audit_events_user', { userId: 'a', type: 'consent_granted' }],
  ['audit_events_client', { clientId: 'a' }],
  ['audit_events_type', { type: 'token_refused' }],
] as const)('events are found by the index %s: %j', async (index, filter) => {
  expect(await wayTo('audit_events', () => store.audit.search(filter, PAGE))).toEqual([index]);
});

test.each([
  ['tokens_of_task', { taskId: 'a', clientId: 'a' }],
  ['tokens_of_task', { taskId: 'a', parentTaskId: 'a', subject: 'a', valid: true }],
  ['tokens_parent_task', { parentTaskId: 'a', clientId: 'a', subject: 'a' }],
  ['tokens_client', { clientId: 'a', revoked: true }],
  ['tokens_subject', { subject: 'a' }],
])('tokens are found by the index %s: %j', async (index, filter) => {
  expect(await wayTo('tokens', () => store.tokens.search({ ...filter, now }, PAGE))).toEqual([index]);
});

test.each([
  [['tasks_task_id', 'tasks_root'], { rootTaskId: 'a', clientId: 'a', subject: 'a' }],
  [['tasks_client'], { clientId: 'a', state: 'active' }],
  [['tasks_subject'], { subject: 'a' }],
] as const)('tasks are found by the indexes %j: %j', async (indexes, filter) => {
  expect(await wayTo('tasks', () => store.tasks.search({ ...filter, now }, PAGE))).toEqual(indexes);
});

test('tasks, tokens and events are counted without reading them', async () => {
  const steps = (await plansOf(() => store.counts(now))).flat();
  const readings = steps.filter((step) =>
    /^(?:SCAN|SEARCH) (?:tasks|tokens|audit_events|revocations)\b/.test(step),
  );
  expect(readings).not.toEqual([]);
  const allowed = /USING COVERING INDEX|SCAN tokens USING INDEX tokens_revoked/;
  expect(readings.filter((step) => !allowed.test(step))).toEqual([]);
});
