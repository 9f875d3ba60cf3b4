import type { Knex } from 'knex';

const TABLES = ['agents', 'client_secrets', 'resource_servers', 'audiences'] as const;

/**
 * One number that changes with whatever is registered, in the same transaction: servers that remember agents and
 * resource servers ask for it before they rely on what they remember. Triggers, so that no writer can forget it:
 * neither a server of the release before, nor an operator with a SQL prompt.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('registry_version', (t) => {
    t.integer('id').primary();
    t.bigInteger('version').notNullable();
  });
  await knex('registry_version').insert({ id: 1, version: 1 });
  if (knex.client.config.client === 'pg') await triggersOnPostgres(knex);
  else await triggersOnSqlite(knex);
}

export async function down(knex: Knex): Promise<void> {
  if (knex.client.config.client === 'pg') {
    for (const table of TABLES) await knex.raw(`DROP TRIGGER ${table}_registered ON ${table}`);
    await knex.raw('DROP FUNCTION count_registration()');
  } else {
    for (const table of TABLES) {
      for (const event of EVENTS) await knex.raw(`DROP TRIGGER ${table}_registered_${event.toLowerCase()}`);
    }
  }
  await knex.schema.dropTable('registry_version');
}

const EVENTS = ['INSERT', 'UPDATE', 'DELETE'] as const;
const COUNT = 'UPDATE registry_version SET version = version + 1 WHERE id = 1;';

async function triggersOnPostgres(knex: Knex): Promise<void> {
  await knex.raw(
    `CREATE FUNCTION count_registration() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${COUNT} RETURN NULL; END $$`,
  );
  for (const table of TABLES) {
    await knex.raw(
      `CREATE TRIGGER ${table}_registered AFTER ${EVENTS.join(' OR ')} ON ${table}
       FOR EACH STATEMENT EXECUTE FUNCTION count_registration()`,
    );
  }
}

/** SQLite knows triggers for rows only. */
async function triggersOnSqlite(knex: Knex): Promise<void> {
  for (const table of TABLES) {
    for (const event of EVENTS) {
      await knex.raw(
        `CREATE TRIGGER ${table}_registered_${event.toLowerCase()} AFTER ${event} ON ${table} BEGIN ${COUNT} END`,
      );
    }
  }
}
