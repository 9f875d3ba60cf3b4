import type { Knex } from 'knex';
import { isPostgres } from '../src/store/sql/statements.ts';

/**
 * How many tasks and tokens there are is counted from indexes on the embedded database, which lets nobody else work
 * meanwhile (src/store/tables/counts.ts). PostgreSQL reads the tables in a process of its own.
 */
export async function up(knex: Knex): Promise<void> {
  if (isPostgres(knex)) return;
  await knex.raw("CREATE INDEX tasks_ended ON tasks (state, expires_at) WHERE state <> 'active'");
  await knex.raw('CREATE INDEX tokens_revoked ON tokens (expires_at) WHERE revoked_at IS NOT NULL');
}

export async function down(knex: Knex): Promise<void> {
  if (isPostgres(knex)) return;
  await knex.raw('DROP INDEX tasks_ended');
  await knex.raw('DROP INDEX tokens_revoked');
}
