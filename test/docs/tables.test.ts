import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { connect } from '../../src/store/database.ts';
import { migrateUp } from '../../src/store/schema/migrate.ts';
import { columnsOf, referencesOf } from '../migrations/schema-of.ts';
import { PLACES, type Place } from '../store/databases.ts';
import { readDocument } from './markdown.ts';

const DOCUMENT = readDocument('docs/tables.md');
/** What stands under each heading that is the name of a table. */
const SECTIONS = DOCUMENT.split(/^#{2,3} /m)
  .map((text) => [/^`(\w+)`/.exec(text)?.[1], text] as const)
  .filter(([table]) => table !== undefined);

/** Names in code, each with the `?` of a column that may be null. */
const namesIn = (cell: string) =>
  [...cell.matchAll(/`(\w+)`(\??)/g)].map(([, name, mark]) => `${name}${mark}`);

/** The columns that a section names: in a table, or in its sentences where it has none. */
function described(section: string): string[] {
  const rows = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) => namesIn(cell));
  const inWords = [...section.matchAll(/(?:Key: |raise )`(\w+)`/g)].map(([, name = '']) => name);
  return rows.length > 0 ? rows : inWords;
}

/** `from → to` for what stands at the end of the document; what SQLite alone has is left out elsewhere. */
function describedReferences(database: string): string[] {
  const [, rows = ''] = DOCUMENT.split('## References between tables');
  return [...rows.matchAll(/^\| (`[^|]+) \| `(\w+)` \|$/gm)]
    .filter(([, from = '']) => database === 'SQLite' || !from.includes('on SQLite alone'))
    .flatMap(([, from = '', to]) => namesIn(from).map((table) => `${table} → ${to}`));
}

describe.each(Object.entries(PLACES))('docs/tables.md, held to %s,', (database, makePlace) => {
  let place: Place;
  let knex: Knex;
  beforeAll(async () => {
    place = await makePlace();
    knex = connect(place.settings);
    await migrateUp(knex);
  });
  afterAll(async () => {
    await knex.destroy();
    await place.remove();
  });

  test('names every column once, and tells which may be null', async () => {
    const real = Map.groupBy(await columnsOf(knex), ({ table }) => table);
    const columns = [...real].map(([table, its]) => [
      table,
      its.map(({ column, required }) => `${column}${required ? '' : '?'}`).sort(),
    ]);
    expect(Object.fromEntries(SECTIONS.map(([table, text]) => [table, described(text).sort()]))).toEqual(
      Object.fromEntries(columns),
    );
  });

  test('names the references that the database checks', async () => {
    expect(describedReferences(database).sort()).toEqual((await referencesOf(knex)).sort());
  });
});
