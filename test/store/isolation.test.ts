import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { openDatabase } from '../../src/store/database.ts';
import { type Place, postgresPlace } from './databases.ts';

let place: Place;
let administrator: pg.Client;
beforeEach(async () => {
  place = await postgresPlace('nothing');
  administrator = new pg.Client({ connectionString: place.settings.databaseUrl });
  await administrator.connect();
});
afterEach(async () => {
  await administrator.end();
  await place.remove();
});

test.each(['repeatable read', 'serializable'])('transactions that are %s are refused', async (level) => {
  await administrator.query(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''${level}''', current_database()); END $$`,
  );
  await expect(openDatabase(place.settings)).rejects.toThrow(
    `default_transaction_isolation must be "read committed" for the database and its role, it is "${level}"`,
  );
  const { rows } = await administrator.query("SELECT to_regclass('tasks') AS tasks");
  expect(rows).toEqual([{ tasks: null }]);
});
