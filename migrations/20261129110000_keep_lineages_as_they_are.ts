import type { Knex } from 'knex';
import { isPostgres } from '../src/store/sql/statements.ts';

/**
 * PostgreSQL compresses rows of more than two kilobytes, which those of deep tasks are: an eighth of what deriving one
 * costs it. Up to a page they are kept as they are.
 */
export async function up(knex: Knex): Promise<void> {
  if (!isPostgres(knex)) return;
  await knex.raw('ALTER TABLE tasks SET (toast_tuple_target = 8160)');
  await knex.raw('ALTER TABLE tasks ALTER COLUMN lineage SET STORAGE EXTERNAL');
}

export async function down(knex: Knex): Promise<void> {
  if (!isPostgres(knex)) return;
  await knex.raw('ALTER TABLE tasks ALTER COLUMN lineage SET STORAGE EXTENDED');
  await knex.raw('ALTER TABLE tasks RESET (toast_tuple_target)');
}
