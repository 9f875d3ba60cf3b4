import type { Knex } from 'knex';

/**
 * API keys, found by their public prefix, and which tasks each of them opened, so that ending a key ends those. Times
 * are milliseconds since the epoch; docs/tables.md describes every column.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('api_keys', (t) => {
    t.text('key_id').primary();
    t.text('client_id').notNullable().references('client_id').inTable('agents');
    t.text('name').notNullable();
    t.text('prefix').notNullable().unique({ indexName: 'api_keys_prefix' });
    t.text('digest').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('expires_at');
    t.bigInteger('revoked_at');
    t.bigInteger('last_used_at');
    t.text('replaced_by');
    t.index(['client_id', 'created_at', 'key_id'], 'api_keys_client');
    t.index(['expires_at'], 'api_keys_expiry');
  });
  await knex.schema.createTable('api_key_tasks', (t) => {
    t.text('task_handle').primary();
    t.text('key_id').notNullable();
    t.text('client_id').notNullable();
    t.bigInteger('expires_at').notNullable();
    t.index(['key_id'], 'api_key_tasks_key');
    t.index(['client_id'], 'api_key_tasks_client');
    t.index(['expires_at'], 'api_key_tasks_expiry');
  });
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['api_key_tasks', 'api_keys']) await knex.schema.dropTable(table);
}
