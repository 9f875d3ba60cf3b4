import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { loadMigrations, type Migration, migrateUp } from '../../src/store/schema/migrate.ts';
import { migrationsOf, type Release, unpackRelease } from '../releases/release.ts';
import { PLACES, type Place, postgresPlace } from '../store/databases.ts';
import { type Column, columnsOf, constraintsOf, fill, locksOf, rowsOf } from './schema-of.ts';

/**
 * Servers of the release before go on working while and after the schema is migrated: what they know is neither taken
 * away nor made stricter, and nobody waits long for a lock (docs/operations.md, "Upgrading").
 */
let release: Release;
let before: readonly Migration[];
let all: readonly Migration[];

beforeAll(async () => {
  release = unpackRelease();
  before = await migrationsOf(release);
  all = await loadMigrations();
});
afterAll(() => release.remove());

test('no migration of the release before was changed, left out or overtaken', () => {
  const names = all.map(({ name }) => name);
  expect(names.slice(0, before.length)).toEqual(before.map(({ name }) => name));
  for (const [i, migration] of before.entries()) {
    expect(String(all[i]?.up)).toBe(String(migration.up));
  }
});

describe.each(Object.entries(PLACES))('the migrations since the release before (%s)', (_kind, makePlace) => {
  let place: Place;
  let knex: Knex;
  beforeEach(async () => {
    place = await makePlace();
    knex = connect(place.settings);
    await migrateUp(knex, before);
    await fill(knex);
  });
  afterEach(async () => {
    await knex.destroy();
    await place.remove();
  });

  test('keep every row, table and column that it knows', async () => {
    const [known, rows] = [await columnsOf(knex), await rowsOf(knex)];
    expect(rows.every(({ count }) => count > 0)).toBe(true);
    await migrateUp(knex, all);
    const now = await columnsOf(knex);
    // A wider type would have to be allowed here by name; a narrower one, or one more NOT NULL, cannot be.
    for (const column of known) expect(now).toContainEqual(column);
    expect((await rowsOf(knex)).filter(({ table }) => rows.some((one) => one.table === table))).toEqual(rows);
  });

  test('ask nothing of its inserts that it does not send', async () => {
    const known = new Set((await columnsOf(knex)).map(nameOf));
    const tables = new Set((await columnsOf(knex)).map(({ table }) => table));
    await migrateUp(knex, all);
    const added = (await columnsOf(knex)).filter(
      (column) => tables.has(column.table) && !known.has(nameOf(column)),
    );
    expect(added.filter(({ required, hasDefault }) => required && !hasDefault)).toEqual([]);
  });
});

const nameOf = ({ table, column }: Column) => `${table}.${column}`;

describe('the locks of the migrations since the release before (PostgreSQL)', () => {
  let place: Place;
  let knex: Knex;
  beforeEach(async () => {
    place = await postgresPlace('nothing');
    knex = connect(place.settings);
    await migrateUp(knex, before);
    await fill(knex);
  });
  afterEach(async () => {
    await knex.destroy();
    await place.remove();
  });

  test('no table that has rows is read or written from end to end while others wait for it', async () => {
    const tables = new Set((await columnsOf(knex)).map(({ table }) => table));
    for (const migration of all.slice(before.length)) {
      const { rewritten, indexed } = await locksOf(knex, migration);
      // To build an index blocks every write for as long as it takes; to rewrite a table, every read as well.
      expect({ migration: migration.name, tables: indexed.filter((table) => tables.has(table)) }).toEqual({
        migration: migration.name,
        tables: [],
      });
      expect({ migration: migration.name, tables: rewritten.filter((table) => tables.has(table)) }).toEqual({
        migration: migration.name,
        tables: [],
      });
      await migrateUp(knex, all.slice(0, all.indexOf(migration) + 1));
    }
  });

  test('no table gets a constraint that its rows, or the inserts of the release before, could break', async () => {
    const tables = new Set((await columnsOf(knex)).map(({ table }) => table));
    const known = (await constraintsOf(knex)).map(({ name }) => name);
    await migrateUp(knex, all);
    const added = (await constraintsOf(knex)).filter(
      ({ table, name }) => tables.has(table) && !known.includes(name),
    );
    expect(added).toEqual([]);
  });

  test('the check notices an index, and a table that is rewritten', async () => {
    const harmful = (up: (db: Knex) => Promise<void>) => ({ name: 'harmful.ts', up, down: async () => {} });
    const indexing = harmful(async (db) => void (await db.raw('CREATE INDEX slow ON tokens (kind)')));
    expect(await locksOf(knex, indexing)).toMatchObject({ indexed: ['tokens'] });
    const rewriting = harmful(async (db) => void (await db.raw('ALTER TABLE tasks ALTER depth TYPE bigint')));
    expect((await locksOf(knex, rewriting)).rewritten).toContain('tasks');
    const adding = harmful(async (db) => void (await db.raw('ALTER TABLE tasks ADD COLUMN more text')));
    expect(await locksOf(knex, adding)).toEqual({ indexed: [], rewritten: [] });
  });

  test('a table that somebody holds is waited for a little, then again, and requests pass in between', async () => {
    const backup = await knex.transaction();
    await backup.raw('LOCK TABLE tokens IN ACCESS SHARE MODE');
    const migrating = migrateUp(knex, [...all, addingTo('tokens')]);
    await setTimeout(300);
    // It queues behind the migration, which gives way soon.
    const began = Date.now();
    expect(await knex('tokens').count({ rows: '*' })).toHaveLength(1);
    expect(Date.now() - began).toBeLessThan(5000);
    await backup.rollback();
    await migrating;
    expect(await knex.schema.hasColumn('tokens', 'added')).toBe(true);
  });

  test('of a migration and a request that wait for each other the migration gives way', async () => {
    const request = await knex.transaction();
    await request('tasks').update({ depth: 1 });
    const migrating = migrateUp(knex, [...all, addingTo('tokens', 'tasks')]);
    await setTimeout(200);
    expect(await request('tokens').update({ generation: 1 })).toBe(1);
    await request.commit();
    await migrating;
    expect(await knex.schema.hasColumn('tasks', 'added')).toBe(true);
  });
});

function addingTo(...tables: string[]): Migration {
  return {
    name: '99990101000000_add.ts',
    async up(db: Knex) {
      for (const table of tables) await db.schema.alterTable(table, (t) => void t.text('added'));
    },
    async down() {},
  };
}
