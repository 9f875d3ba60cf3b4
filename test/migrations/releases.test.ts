import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { loadMigrations, type Migration, migrateDown, migrateUp } from '../../src/store/schema/migrate.ts';
import { requireCompatible } from '../../src/store/schema/schema-releases.ts';
import { PLACES, type Place } from '../store/databases.ts';

describe('a release and the schema of another one', () => {
  const known = ['20270101000000_one.ts', '20270201000000_two.ts'];

  test('fits when nothing differs, or when only this release has gone on', () => {
    expect(requireCompatible(known, known)).toEqual({ newer: [] });
    expect(requireCompatible(known, known.slice(0, 1))).toEqual({ newer: [] });
    expect(requireCompatible(known, [])).toEqual({ newer: [] });
  });

  test('fits when a newer release has added to it', () => {
    const newer = ['20270301000000_three.ts', '20270401000000_four.ts'];
    expect(requireCompatible(known, [...known, ...newer])).toEqual({ newer });
  });

  test.each([
    ['an older migration that it does not know', [known[0], '20270115000000_strange.ts', known[1]]],
    ['a newer migration, but not all of its own', [known[0], '20270301000000_three.ts']],
    ['only a stranger', ['20270301000000_three.ts']],
  ])('does not fit with %s', (_what, applied) => {
    expect(() => requireCompatible(known, applied as string[])).toThrow('another history');
  });

  test('fits after a contract only when it knows what the contract counts on', () => {
    const contract = '20270301000000_contract_after_20270201000000_drop_one.ts';
    expect(requireCompatible(known, [...known, contract])).toEqual({ newer: [contract] });
    const older = known.slice(0, 1);
    expect(() => requireCompatible(older, [...known, contract])).toThrow(/too old.*Start a newer release/);
  });
});

describe.each(Object.entries(PLACES))('an older release on a newer schema (%s)', (_kind, makePlace) => {
  let place: Place;
  let knex: Knex;
  let all: readonly Migration[];
  let older: readonly Migration[];
  beforeAll(async () => {
    all = await loadMigrations();
    older = all.slice(0, -1);
  });
  beforeEach(async () => {
    place = await makePlace();
    knex = connect(place.settings);
  });
  afterEach(async () => {
    await knex.destroy();
    await place.remove();
  });
  const applied = () => knex('knex_migrations').orderBy('name').pluck('name');
  const names = (list: readonly Migration[]) => list.map(({ name }) => name);

  test('starts and changes nothing', async () => {
    await migrateUp(knex, all);
    await migrateUp(knex, older);
    expect(await applied()).toEqual(names(all));
  });

  test('does not undo what it does not know', async () => {
    await migrateUp(knex, all);
    await expect(migrateDown(knex, older)).rejects.toThrow(`use that one to undo ${all.at(-1)?.name}`);
    expect(await applied()).toEqual(names(all));
    await migrateDown(knex, all);
    expect(await applied()).toEqual([]);
  });

  test('is brought up to date afterwards by the newer one', async () => {
    await migrateUp(knex, older);
    await migrateUp(knex, all);
    expect(await applied()).toEqual(names(all));
  });

  test('does not start where the schema has another history', async () => {
    await migrateUp(knex, all);
    const others = [...all.slice(0, -1), { ...all[0], name: '20991231000000_elsewhere.ts' } as Migration];
    await expect(migrateUp(knex, others)).rejects.toThrow('another history');
  });
});
