import type { Knex } from 'knex';
import { isPostgres } from '../sql/statements.ts';

/** A JSON column: jsonb on PostgreSQL, text on SQLite. */
export function addJson(knex: Knex, table: Knex.CreateTableBuilder, name: string): Knex.ColumnBuilder {
  return isPostgres(knex) ? table.jsonb(name) : table.text(name);
}

/** Text compared byte by byte, so that an index serves prefix ranges whatever the database's locale is. */
export function byteOrdered(knex: Knex): string {
  return isPostgres(knex) ? 'text COLLATE "C"' : 'text';
}
