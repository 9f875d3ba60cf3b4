import type { Knex } from 'knex';

/** How resource servers learn of revocations in standard forms. Times are milliseconds since the epoch; docs/tables.md describes every column. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('event_receivers', (t) => {
    t.text('client_id').primary();
    t.bigInteger('position').notNullable();
    t.bigInteger('acknowledged_at').notNullable();
  });
  await knex.schema.createTable('status_lists', (t) => {
    t.text('id').primary();
    t.bigInteger('begins_at').notNullable();
    t.integer('taken').notNullable();
    t.bigInteger('expires_at').notNullable();
    t.index(['begins_at'], 'status_lists_begin');
    t.index(['expires_at'], 'status_lists_expiry');
  });
  await knex.schema.alterTable('tokens', (t) => {
    t.text('status_list');
    t.integer('status_index');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('tokens', (t) => {
    t.dropColumn('status_list');
    t.dropColumn('status_index');
  });
  await knex.schema.dropTable('status_lists');
  await knex.schema.dropTable('event_receivers');
}
