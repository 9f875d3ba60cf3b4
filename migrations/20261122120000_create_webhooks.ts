import type { Knex } from 'knex';
import { addJson, byteOrdered } from '../src/store/schema/column-types.ts';

/** Where events are sent, and those on their way. Times are milliseconds since the epoch; docs/tables.md describes every column. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('webhooks', (t) => {
    t.text('id').primary();
    t.text('owner');
    t.text('agent_id');
    t.text('url').notNullable();
    t.text('host').notNullable();
    addJson(knex, t, 'events').notNullable();
    t.text('description').notNullable();
    t.boolean('enabled').notNullable();
    t.text('disabled_reason');
    t.integer('failures').notNullable();
    t.text('sealed_secret').notNullable();
    t.text('previous_sealed_secret');
    t.bigInteger('previous_ends_at');
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
    t.index(['created_at', 'id'], 'webhooks_created');
    t.index(['owner', 'created_at', 'id'], 'webhooks_owner', { predicate: knex.whereNotNull('owner') });
  });
  await knex.schema.createTable('webhook_deliveries', (t) => {
    t.bigIncrements('seq');
    t.text('id').notNullable().unique({ indexName: 'webhook_deliveries_id' });
    t.specificType('webhook_id', byteOrdered(knex)).notNullable();
    t.text('event').notNullable();
    t.text('event_id').notNullable();
    t.text('unit_id').notNullable();
    t.integer('position').notNullable();
    t.specificType('lane', byteOrdered(knex)).notNullable();
    t.text('state').notNullable();
    t.integer('attempts').notNullable();
    t.bigInteger('due_at').notNullable();
    t.text('lease');
    t.bigInteger('leased_until');
    t.bigInteger('created_at').notNullable();
    t.bigInteger('attempted_at');
    t.bigInteger('delivered_at');
    t.integer('response_status');
    t.text('response_excerpt');
    t.text('error');
    t.integer('duration_ms');
    // By this index the oldest of each lane is found without reading those behind it.
    t.index(['webhook_id', 'lane', 'seq'], 'webhook_deliveries_pending', {
      predicate: knex.whereRaw("state = 'pending'"),
    });
    t.index(['lease'], 'webhook_deliveries_lease', { predicate: knex.whereNotNull('lease') });
    t.index(['webhook_id', 'seq'], 'webhook_deliveries_webhook');
    t.index(['created_at'], 'webhook_deliveries_expiry');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('webhook_deliveries');
  await knex.schema.dropTable('webhooks');
}
