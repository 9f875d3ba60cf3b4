import type { Knex } from 'knex';
import { addJson } from '../src/store/schema/column-types.ts';

/** Who takes part: agents, resource servers, users; and what the server signs with. Times are milliseconds since the epoch; docs/tables.md describes every column. */
export async function up(knex: Knex): Promise<void> {
  await createAgents(knex);
  await createResourceServers(knex);
  await createUsers(knex);
  await createSigningKeys(knex);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of [
    'signing_keys',
    'users',
    'audiences',
    'resource_servers',
    'registration_tokens',
    'client_secrets',
    'agents',
  ]) {
    await knex.schema.dropTable(table);
  }
}

async function createAgents(knex: Knex): Promise<void> {
  await knex.schema.createTable('agents', (t) => {
    t.text('client_id').primary();
    t.text('kind').notNullable();
    t.text('name').notNullable();
    t.text('description').notNullable();
    t.text('owner');
    t.text('state').notNullable();
    t.integer('epoch').notNullable();
    t.text('tier').notNullable();
    t.boolean('challenge_waived').notNullable();
    addJson(knex, t, 'metadata').notNullable();
    for (const list of ['permissions', 'default_scope', 'tools', 'resources'])
      addJson(knex, t, list).notNullable();
    addJson(knex, t, 'audiences');
    t.integer('max_depth');
    t.integer('max_children');
    t.bigInteger('max_task_seconds');
    t.bigInteger('created_at').notNullable();
    t.bigInteger('activated_at');
    t.bigInteger('deleted_at');
    t.index(['created_at', 'client_id'], 'agents_created');
  });
  await knex.schema.createTable('client_secrets', (t) => {
    t.text('id').primary();
    t.text('client_id').notNullable().references('client_id').inTable('agents');
    t.text('digest').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('expires_at');
    t.index(['client_id'], 'client_secrets_client');
    t.index(['expires_at'], 'client_secrets_expiry');
  });
  await knex.schema.createTable('registration_tokens', (t) => {
    t.text('digest').primary();
    t.text('client_id').notNullable().references('client_id').inTable('agents');
    t.bigInteger('expires_at').notNullable();
    t.bigInteger('consumed_at');
    t.index(['expires_at'], 'registration_tokens_expiry');
  });
}

async function createResourceServers(knex: Knex): Promise<void> {
  await knex.schema.createTable('resource_servers', (t) => {
    t.text('client_id').primary();
    t.text('name').notNullable();
    addJson(knex, t, 'scopes');
    t.text('token_format').notNullable();
    t.bigInteger('created_at').notNullable();
  });
  await knex.schema.createTable('audiences', (t) => {
    t.text('audience').primary();
    t.text('client_id').notNullable().references('client_id').inTable('resource_servers');
    t.integer('position').notNullable();
    t.index(['client_id'], 'audiences_client');
  });
}

async function createUsers(knex: Knex): Promise<void> {
  await knex.schema.createTable('users', (t) => {
    t.text('user_id').primary();
    t.text('email').notNullable().unique({ indexName: 'users_email' });
    t.text('name').notNullable();
    t.text('state').notNullable();
    t.integer('epoch').notNullable();
    addJson(knex, t, 'permissions').notNullable();
    t.text('password_hash').notNullable();
    t.bigInteger('created_at').notNullable();
    t.index(['created_at', 'user_id'], 'users_created');
  });
}

async function createSigningKeys(knex: Knex): Promise<void> {
  await knex.schema.createTable('signing_keys', (t) => {
    t.text('kid').primary();
    t.text('algorithm').notNullable();
    addJson(knex, t, 'public_jwk').notNullable();
    t.text('encrypted_private_jwk').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('active_from').notNullable();
    t.bigInteger('retires_at');
  });
}
