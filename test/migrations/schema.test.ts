import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect, openDatabase, requireNode } from '../../src/store/database.ts';
import { migrateDown, migrateUp, migrationStatus } from '../../src/store/schema/migrate.ts';
import { PLACES, type Place, sqlitePlace } from '../store/databases.ts';

describe.each(Object.entries(PLACES))('migrations on %s', (_kind, makePlace) => {
  let place: Place;
  let knex: Knex;
  beforeEach(async () => {
    place = await makePlace();
    knex = connect(place.settings);
  });
  afterEach(async () => {
    await knex.destroy();
    await place.remove();
  });

  test('go up, down to nothing, and up to the same again', async () => {
    await migrateUp(knex);
    const first = await definitions(knex);
    expect(first.length).toBeGreaterThan(30);
    await migrateDown(knex);
    expect(await definitions(knex)).toEqual([]);
    await migrateUp(knex);
    expect(await definitions(knex)).toEqual(first);
  });

  test('tell what is applied and what waits', async () => {
    const { applied, pending } = await migrationStatus(knex);
    expect(applied).toEqual([]);
    expect(pending[0]).toMatch(/^\d{14}_create_parties\.ts$/);
    await migrateUp(knex);
    expect(await migrationStatus(knex)).toEqual({ applied: pending, pending: [] });
  });

  test('have nothing to do the second time', async () => {
    await migrateUp(knex);
    await migrateUp(knex);
    expect(new Set(await knex('knex_migrations').pluck('batch'))).toEqual(new Set([1]));
  });

  test('run once when several nodes start together', async () => {
    const nodes = await Promise.all([1, 2, 3, 4].map(() => openDatabase(place.settings)));
    const names = await knex('knex_migrations').pluck('name');
    expect(names).toEqual([...new Set(names)]);
    await Promise.all(nodes.map((node) => node.close()));
  });
});

describe('the schema', () => {
  test('has the same tables and columns on both databases', async () => {
    const [sqlite, postgres] = [await columns(sqlitePlace), await columns(PLACES.PostgreSQL)];
    expect(postgres).toEqual(sqlite);
    expect(Object.keys(sqlite).length).toBeGreaterThanOrEqual(17);
  });
});

describe('the embedded database', () => {
  test('says which Node it needs before its driver could crash', () => {
    expect(() => requireNode('20.20.2')).toThrow('needs Node 22 or later, this is Node 20.20.2');
    expect(() => requireNode('24.0.0')).not.toThrow();
  });

  test('is durable and checks references', async () => {
    const place = await sqlitePlace();
    const { knex, close } = await openDatabase(place.settings);
    const pragma = async (name: string) => Object.values((await knex.raw(`PRAGMA ${name}`))[0])[0];
    expect(await pragma('journal_mode')).toBe('wal');
    expect(await pragma('synchronous')).toBe(2);
    expect(await pragma('foreign_keys')).toBe(1);
    // Brief: whoever writes looks again later, and nobody else waits with them.
    expect(await pragma('busy_timeout')).toBe(5);
    await close();
    await place.remove();
  });

  test('is readable for its owner alone', async () => {
    const place = await sqlitePlace();
    const { close } = await openDatabase(place.settings);
    for (const file of readdirSync(place.settings.dataDir)) {
      expect(statSync(join(place.settings.dataDir, file)).mode & 0o077).toBe(0);
    }
    await close();
    await place.remove();
  });

  test('may live in memory', async () => {
    const { knex, close } = await openDatabase({ dataDir: ':memory:', poolMax: 1 });
    expect(await knex('tasks')).toEqual([]);
    await close();
  });
});

/** Tables and indexes as the database describes them, without knex's own. */
async function definitions(knex: Knex): Promise<unknown[]> {
  if (knex.client.config.client === 'pg') {
    const { rows } = await knex.raw(`
      SELECT table_name AS name, column_name AS part, data_type AS type, is_nullable AS rule, collation_name AS extra
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'knex_%'
      UNION ALL
      SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes
      WHERE schemaname = 'public' AND tablename NOT LIKE 'knex_%'
      UNION ALL
      SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
      WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'knex_%'
      ORDER BY 1, 2, 3`);
    return rows;
  }
  return knex.raw(`SELECT name, sql FROM sqlite_master
    WHERE tbl_name NOT LIKE 'knex_%' AND name NOT LIKE 'sqlite_%' ORDER BY name`);
}

/** For each table its columns, each with whether it may be null. */
async function columns(makePlace: () => Promise<Place>): Promise<Record<string, string[]>> {
  const place = await makePlace();
  const { knex, close } = await openDatabase(place.settings);
  const postgres = place.settings.databaseUrl !== undefined;
  const answer = await knex.raw(
    postgres
      ? `SELECT table_name AS t, column_name AS c, is_nullable = 'NO' AS required FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name NOT LIKE 'knex_%'`
      : `SELECT m.name AS t, c.name AS c, (c."notnull" OR c.pk) AS required FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'knex_%' AND m.name NOT LIKE 'sqlite_%'`,
  );
  const found: Record<string, string[]> = {};
  for (const { t, c, required } of postgres ? answer.rows : answer) {
    found[t] = [...(found[t] ?? []), `${c}${required ? '' : '?'}`].sort();
  }
  await close();
  await place.remove();
  return found;
}
