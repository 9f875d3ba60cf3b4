import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { type Place, postgresPlace } from './databases.ts';

let place: Place;
let database: Database;
beforeAll(async () => {
  place = await postgresPlace();
  database = await openDatabase(place.settings);
});
afterAll(async () => {
  await database.close();
  await place.remove();
});

/** Names of the statements that a connection has prepared, by their text. */
async function preparedBy(statements: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return database.knex.transaction(async (trx) => {
    for (const statement of statements) await trx.raw(statement, [1]);
    const { rows } = await trx.raw('SELECT name, statement FROM pg_prepared_statements');
    return new Map(rows.map((row: { name: string; statement: string }) => [row.statement, row.name]));
  });
}

test('a name stands for one text on every connection: a pooler may lend one to many in turn', async () => {
  const texts = ['SELECT ?::int AS one', 'SELECT ?::int AS other'];
  const [one, other] = await Promise.all([preparedBy(texts), preparedBy(texts.toReversed())]);
  for (const text of ['SELECT $1::int AS one', 'SELECT $1::int AS other']) {
    expect(one.get(text)).toBe(other.get(text));
  }
  const names = [...one.values()];
  expect(new Set(names).size).toBe(names.length);
});
