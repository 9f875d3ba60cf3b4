import type { Knex } from 'knex';
import { addJson } from '../src/store/schema/column-types.ts';

/** What decides about issuance and is remembered by servers: a change of it changes the version of the registry. */
const COUNTED = ['roles', 'role_assignments'] as const;
const EVENTS = ['INSERT', 'UPDATE', 'DELETE'] as const;
const COUNT = 'UPDATE registry_version SET version = version + 1 WHERE id = 1;';

/** Named sets of permissions, who holds them, and what administrators added to the catalogue of permissions. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('roles', (t) => {
    t.text('name').primary();
    t.text('description').notNullable();
    addJson(knex, t, 'permissions').notNullable();
    t.bigInteger('created_at').notNullable();
    t.bigInteger('updated_at').notNullable();
    t.index(['created_at', 'name'], 'roles_created');
  });
  await knex.schema.createTable('role_assignments', (t) => {
    t.text('holder_kind').notNullable();
    t.text('holder_id').notNullable();
    t.text('role').notNullable().references('name').inTable('roles');
    t.bigInteger('assigned_at').notNullable();
    t.primary(['holder_kind', 'holder_id', 'role']);
    t.index(['role', 'assigned_at', 'holder_kind', 'holder_id'], 'role_assignments_role');
  });
  await knex.schema.createTable('catalogue_permissions', (t) => {
    t.text('permission').primary();
    t.text('description').notNullable();
    t.bigInteger('created_at').notNullable();
  });
  for (const table of COUNTED) await countChanges(knex, table);
}

export async function down(knex: Knex): Promise<void> {
  // Their triggers go with them.
  for (const table of ['catalogue_permissions', 'role_assignments', 'roles']) {
    await knex.schema.dropTable(table);
  }
}

/** As 20261121120000_count_registrations does for what was registered before. */
async function countChanges(knex: Knex, table: string): Promise<void> {
  if (knex.client.config.client === 'pg') {
    await knex.raw(
      `CREATE TRIGGER ${table}_registered AFTER ${EVENTS.join(' OR ')} ON ${table}
       FOR EACH STATEMENT EXECUTE FUNCTION count_registration()`,
    );
    return;
  }
  for (const event of EVENTS) {
    await knex.raw(
      `CREATE TRIGGER ${table}_registered_${event.toLowerCase()} AFTER ${event} ON ${table} BEGIN ${COUNT} END`,
    );
  }
}
