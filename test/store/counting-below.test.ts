import { beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import type { Change } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { isPostgres } from '../../src/store/sql/statements.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aChild, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';
import { sqlitePlan } from './sqlite-plan.ts';

const OTHERS = 50_000;
const CAP = 20;

/** Whoever revokes waits for the count, and a revocation must not cost more the more there is elsewhere. */
onEveryDatabase('counting what hangs below', (open) => {
  let store: DatabaseStore;
  const root = aTask();
  const token = aToken(root);
  const child = aChild(root, token.tokenId);

  beforeAll(async () => {
    const { knex } = open();
    store = createStore(open());
    const miss = new DomainError('conflict', 'unexpected');
    const changes: Change[] = [root, child].map((task) => ({ do: 'insert_task', task, miss }));
    const tokens = [token, aToken(child)].map((one): Change => ({ do: 'insert_token', token: one }));
    await store.commit(aUnit([...changes, ...tokens]));
    await multiply(knex, 'tasks', { handle: root.handle }, ['handle', 'task_id', 'path']);
    await multiply(knex, 'tokens', { token_id: token.tokenId }, ['token_id', 'task_handle', 'digest']);
    if (isPostgres(knex)) await knex.raw('VACUUM ANALYZE');
  });

  test.each([
    ['a task', { handle: root.handle }],
    ['one token of it', { handle: root.handle, via: token.tokenId }],
  ])('of %s reads no more than that', async (_name, below) => {
    const { knex } = open();
    const sent: { sql: string; bindings: unknown[] }[] = [];
    const note = (query: { sql: string; bindings: unknown[] }) => void sent.push(query);
    knex.on('query', note);
    expect(await store.tokens.countBelow(below, T0, CAP)).toBe(1);
    knex.removeListener('query', note);
    const counting = sent.find(({ sql }) => sql.includes('COUNT(*)'));
    const plan = await planOf(knex, counting?.sql ?? '', counting?.bindings ?? []);
    expect(plan).toMatch(/(?:COVERING INDEX|Index Only Scan using) tasks_below/);
    expect(plan).toMatch(/(?:COVERING INDEX|Index Only Scan using) tokens_of_task/);
    expect(plan).not.toMatch(/Seq Scan|\bSCAN (?:below|child|tokens)\b(?! USING)/);
  });
});

/** Very many copies of a row, as if there were as many other roots with a token each. */
async function multiply(knex: Knex, table: string, where: Record<string, string>, ids: readonly string[]) {
  const [row] = await knex(table).where(where);
  const columns = Object.keys(row as object);
  const values = columns.map((name) => (ids.includes(name) ? `"${name}" || n` : `"${name}"`));
  const [[column, value] = ['', '']] = Object.entries(where);
  await knex.raw(
    `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${OTHERS})
     INSERT INTO ${table} (${columns.map((name) => `"${name}"`).join(', ')})
     SELECT ${values.join(', ')} FROM ${table}, numbers WHERE ${column} = ?`,
    [value],
  );
}

async function planOf(knex: Knex, sql: string, bindings: readonly unknown[]): Promise<string> {
  const values = bindings as Knex.RawBinding[];
  if (!isPostgres(knex)) return (await sqlitePlan(knex, sql, values)).join('\n');
  const { rows } = await knex.raw(`EXPLAIN ${sql.replaceAll(/\$\d+/g, '?')}`, values);
  return rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n');
}
