import type { Knex } from 'knex';
import { COUNTING_INDEXES } from '../src/store/schema/counting-indexes.ts';

/**
 * How many tokens lie below is counted from two indexes alone: the rows of a large tree are spread over the whole table.
 * On PostgreSQL only where the tables are empty. Else the servers build them beside their work (counting-indexes.ts),
 * because an index that a migration builds blocks every write until it is done.
 */
export async function up(knex: Knex): Promise<void> {
  if (await isInUse(knex)) return;
  for (const { name, replaces, table, on } of COUNTING_INDEXES) {
    await knex.raw(`CREATE INDEX ${name} ON ${table} ${on(knex)}`);
    await knex.raw(`DROP INDEX ${replaces.name}`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const { name, replaces, table } of COUNTING_INDEXES) {
    await knex.raw(`DROP INDEX IF EXISTS ${name}`);
    await knex.raw(`CREATE INDEX IF NOT EXISTS ${replaces.name} ON ${table} (${replaces.columns})`);
  }
}

async function isInUse(knex: Knex): Promise<boolean> {
  if (knex.client.config.client !== 'pg') return false;
  const [tasks, tokens] = [await knex('tasks').first('handle'), await knex('tokens').first('token_id')];
  return tasks !== undefined || tokens !== undefined;
}
