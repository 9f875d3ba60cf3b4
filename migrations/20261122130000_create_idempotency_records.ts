import type { Knex } from 'knex';

/** Answers of requests that created something, by their Idempotency-Key; docs/tables.md describes every column. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('idempotency_records', (t) => {
    t.text('id').primary();
    t.text('fingerprint').notNullable();
    t.text('answer').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('expires_at').notNullable();
    t.index(['expires_at'], 'idempotency_records_expiry');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('idempotency_records');
}
