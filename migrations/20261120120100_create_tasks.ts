import type { Knex } from 'knex';
import { addJson, byteOrdered } from '../src/store/schema/column-types.ts';

/** What happens: tasks, tokens, revocations, the records of the OAuth engine, audit events. Times are milliseconds since the epoch; docs/tables.md describes every column. */
export async function up(knex: Knex): Promise<void> {
  await createTasks(knex);
  await createTokens(knex);
  await createRevocations(knex);
  await createArtifacts(knex);
  await createAuditEvents(knex);
}

export async function down(knex: Knex): Promise<void> {
  for (const table of ['audit_events', 'oidc_artifacts', 'revocations', 'tokens', 'tasks', 'task_ids']) {
    await knex.schema.dropTable(table);
  }
}

async function createTasks(knex: Knex): Promise<void> {
  await knex.schema.createTable('task_ids', (t) => {
    t.text('task_id').primary();
  });
  await knex.schema.createTable('tasks', (t) => {
    t.text('handle').primary();
    t.text('task_id').notNullable().unique({ indexName: 'tasks_task_id' });
    t.text('description').notNullable();
    t.text('state').notNullable();
    t.text('origin').notNullable();
    t.text('client_id').notNullable();
    t.integer('client_epoch').notNullable();
    t.text('subject').notNullable();
    t.text('subject_kind').notNullable();
    t.integer('subject_epoch').notNullable();
    t.text('grant_handle').notNullable();
    t.text('root_task_id').notNullable();
    t.text('parent_task_id');
    t.text('parent_handle');
    t.text('parent_token_id');
    t.specificType('path', byteOrdered(knex)).notNullable();
    addJson(knex, t, 'lineage').notNullable();
    t.integer('depth').notNullable();
    t.integer('max_depth').notNullable();
    t.integer('max_children').notNullable();
    t.integer('child_count').notNullable();
    for (const list of ['scope', 'audiences', 'tools', 'resources', 'delegates'])
      addJson(knex, t, list).notNullable();
    t.text('code_challenge');
    t.text('key_thumbprint');
    t.boolean('leaf').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('expires_at').notNullable();
    t.bigInteger('ended_at');
    t.text('ended_reason');
    t.index(['path'], 'tasks_path');
    // Partial indexes cost the rows that they leave out nothing, and most tasks are roots.
    const child = { predicate: knex.whereNotNull('parent_handle') };
    t.index(['parent_handle', 'created_at', 'handle'], 'tasks_parent', child);
    t.index(['parent_token_id'], 'tasks_parent_token', child);
    t.index(['root_task_id', 'created_at', 'handle'], 'tasks_root', child);
    t.index(['client_id', 'created_at', 'handle'], 'tasks_client');
    t.index(['subject', 'created_at', 'handle'], 'tasks_subject');
    t.index(['created_at', 'handle'], 'tasks_created');
    t.index(['expires_at'], 'tasks_expiry');
  });
}

async function createTokens(knex: Knex): Promise<void> {
  await knex.schema.createTable('tokens', (t) => {
    t.text('token_id').primary();
    t.text('kind').notNullable();
    t.text('digest');
    t.text('format').notNullable();
    t.text('task_handle').notNullable().references('handle').inTable('tasks');
    t.text('task_id').notNullable();
    t.text('parent_task_id');
    t.text('parent_token_id');
    t.text('client_id').notNullable();
    t.text('subject').notNullable();
    t.text('audience');
    t.text('grant_handle').notNullable();
    t.text('delegate_to');
    t.text('redeemed_as');
    t.boolean('detailed').notNullable();
    t.integer('generation').notNullable();
    t.text('key_thumbprint');
    for (const list of ['scope', 'audiences', 'tools', 'resources']) addJson(knex, t, list).notNullable();
    t.bigInteger('issued_at').notNullable();
    t.bigInteger('expires_at').notNullable();
    t.bigInteger('consumed_at');
    t.bigInteger('revoked_at');
    t.text('revocation_reason');
    t.unique(['digest'], { indexName: 'tokens_digest', predicate: knex.whereNotNull('digest') });
    t.index(['task_handle', 'issued_at', 'token_id'], 'tokens_task');
    t.index(['parent_task_id', 'issued_at', 'token_id'], 'tokens_parent_task', {
      predicate: knex.whereNotNull('parent_task_id'),
    });
    t.index(['client_id', 'issued_at', 'token_id'], 'tokens_client');
    t.index(['subject', 'issued_at', 'token_id'], 'tokens_subject');
    t.index(['issued_at', 'token_id'], 'tokens_issued');
    t.index(['expires_at'], 'tokens_expiry');
  });
}

async function createRevocations(knex: Knex): Promise<void> {
  await knex.schema.createTable('revocations', (t) => {
    t.bigIncrements('seq');
    t.text('kind').notNullable();
    t.text('handle').notNullable();
    t.integer('epoch').notNullable();
    t.text('reason');
    t.text('actor');
    t.bigInteger('created_at').notNullable();
    t.bigInteger('expires_at').notNullable();
    // The handle comes first: the liveness check looks up many handles of all kinds at once.
    t.unique(['handle', 'kind', 'epoch'], { indexName: 'revocations_handle' });
    t.index(['expires_at'], 'revocations_expiry');
  });
}

async function createArtifacts(knex: Knex): Promise<void> {
  await knex.schema.createTable('oidc_artifacts', (t) => {
    t.text('model').notNullable();
    t.text('id').notNullable();
    addJson(knex, t, 'payload').notNullable();
    t.text('grant_id');
    t.text('uid');
    t.text('account_id');
    t.text('client_id');
    t.bigInteger('consumed_at');
    t.bigInteger('expires_at');
    // The id comes first: many ids of all models are looked up at once.
    t.primary(['id', 'model']);
    t.index(['grant_id'], 'oidc_artifacts_grant');
    t.index(['uid'], 'oidc_artifacts_uid');
    t.index(['account_id', 'model', 'id'], 'oidc_artifacts_account');
    t.index(['expires_at'], 'oidc_artifacts_expiry');
  });
}

async function createAuditEvents(knex: Knex): Promise<void> {
  await knex.schema.createTable('audit_events', (t) => {
    t.text('id').notNullable();
    t.text('unit_id').notNullable();
    t.integer('position').notNullable();
    t.bigInteger('at').notNullable();
    t.text('type').notNullable();
    t.text('outcome').notNullable();
    for (const name of ['actor', 'client_id', 'user_id', 'token_id', 'task_id', 'parent_task_id'])
      t.text(name);
    for (const name of ['source_ip', 'request_id', 'reason']) t.text(name);
    addJson(knex, t, 'details').notNullable();
    // A unit that is sent again after an unclear commit meets its own first event here (design, rule 5.1).
    t.primary(['unit_id', 'position']);
    t.index(['at', 'unit_id', 'position'], 'audit_events_at');
    t.index(['type', 'at'], 'audit_events_type');
    for (const name of ['client_id', 'user_id', 'token_id', 'task_id']) {
      t.index([name, 'at'], `audit_events_${name.replace('_id', '')}`, {
        predicate: knex.whereNotNull(name),
      });
    }
  });
}
