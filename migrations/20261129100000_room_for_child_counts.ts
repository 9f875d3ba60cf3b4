import type { Knex } from 'knex';
import { isPostgres } from '../src/store/sql/statements.ts';

/**
 * Each child that is derived is counted at its parent. Where the page of the parent's row has room for the new version,
 * PostgreSQL writes nothing into the ten indexes of the table. Holds for pages that are filled from now on.
 */
export async function up(knex: Knex): Promise<void> {
  if (isPostgres(knex)) await knex.raw('ALTER TABLE tasks SET (fillfactor = 75)');
}

export async function down(knex: Knex): Promise<void> {
  if (isPostgres(knex)) await knex.raw('ALTER TABLE tasks RESET (fillfactor)');
}
