import type { Knex } from 'knex';

/**
 * JWTs are recognised by their digest. And the foreign key of tokens goes where it can: it cost PostgreSQL a look-up
 * and a row lock for each token, for what one unit of work writes together. SQLite would have to copy the table, and
 * checks it almost for free.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('tokens', (t) => {
    t.text('jwt_digest');
    if (knex.client.config.client === 'pg') t.dropForeign('task_handle');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('tokens', (t) => {
    if (knex.client.config.client === 'pg') t.foreign('task_handle').references('handle').inTable('tasks');
    t.dropColumn('jwt_digest');
  });
}
