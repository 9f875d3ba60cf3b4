import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect, openDatabase } from '../../src/store/database.ts';
import { loadMigrations, migrateUp } from '../../src/store/schema/migrate.ts';
import { createWorkplace } from '../cli/run-cli.ts';
import { fill } from '../migrations/schema-of.ts';
import { type Place, postgresPlace } from './databases.ts';

const OLD_MIGRATIONS = 2;

/** A database of the release before, in use. */
describe('indexes that take the place of others while servers work (PostgreSQL)', () => {
  let place: Place;
  let knex: Knex;
  beforeEach(async () => {
    place = await postgresPlace('nothing');
    knex = connect(place.settings);
    await migrateUp(knex, (await loadMigrations()).slice(0, OLD_MIGRATIONS));
    await fill(knex);
  });
  afterEach(async () => {
    await knex.destroy();
    await place.remove();
  });

  test('the start builds them without waiting for them', async () => {
    // Like a backup, this makes every concurrent build wait.
    const backup = await knex.transaction({ isolationLevel: 'repeatable read' });
    await backup('signing_keys').count();
    const database = await openDatabase(place.settings);
    await database.knex('tasks').update({ depth: 2 });
    expect(await validIndexes(knex)).toEqual(['tasks_path', 'tokens_task']);
    await backup.rollback();
    await until(async () => (await validIndexes(knex)).join() === 'tasks_below,tokens_of_task');
    await database.close();
  });

  test('a server that stops meanwhile stops at once, and what it left behind is built anew', async () => {
    const backup = await knex.transaction({ isolationLevel: 'repeatable read' });
    await backup('signing_keys').count();
    const stopped = await openDatabase(place.settings);
    await until(async () => (await indexes(knex)).some(({ valid }) => !valid));
    await stopped.close();
    await endBuilds(knex);
    await backup.rollback();
    expect((await indexes(knex)).filter(({ valid }) => !valid)).toEqual([
      { name: 'tasks_below', valid: false },
    ]);
    const database = await openDatabase(place.settings);
    await until(async () => (await validIndexes(knex)).join() === 'tasks_below,tokens_of_task');
    await database.close();
  });

  test('a command begins none: it would leave one half built, which keeps servers from theirs', async () => {
    const backup = await knex.transaction({ isolationLevel: 'repeatable read' });
    await backup('signing_keys').count();
    const commands = createWorkplace({ DATABASE_URL: String(place.settings.databaseUrl) });
    expect(await commands.run('agent', 'list')).toMatchObject({ code: 0 });
    const found = await indexes(knex);
    await backup.rollback();
    commands.remove();
    expect(found.map(({ name }) => name)).toEqual(['tasks_path', 'tokens_task']);
  });

  test('of several servers that start together one builds them, and the others know it', async () => {
    const databases = await Promise.all([1, 2, 3].map(() => openDatabase(place.settings)));
    await until(async () => (await validIndexes(knex)).join() === 'tasks_below,tokens_of_task');
    await Promise.all(databases.map((database) => database.close()));
    expect(await indexes(knex)).toEqual([
      { name: 'tasks_below', valid: true },
      { name: 'tokens_of_task', valid: true },
    ]);
  });
});

async function indexes(knex: Knex): Promise<{ name: string; valid: boolean }[]> {
  const { rows } = await knex.raw(
    `SELECT relname AS name, indisvalid AS valid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
     WHERE relname IN ('tasks_path', 'tasks_below', 'tokens_task', 'tokens_of_task') ORDER BY relname`,
  );
  return rows;
}

async function validIndexes(knex: Knex): Promise<string[]> {
  return (await indexes(knex)).filter(({ valid }) => valid).map(({ name }) => name);
}

/** Ends what PostgreSQL goes on with after its client has gone. */
async function endBuilds(knex: Knex): Promise<void> {
  const building = `FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONC%'`;
  await knex.raw(`SELECT pg_terminate_backend(pid) ${building} AND state = 'active'`);
  await until(async () => (await knex.raw(`SELECT 1 ${building} AND state = 'active'`)).rows.length === 0);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (await holds()) return;
    await setTimeout(50);
  }
  throw new Error('waited for in vain');
}
