import type { Knex } from 'knex';
import { addJson } from '../src/store/schema/column-types.ts';

/** A secret that is replaced while the one before it still signs: both sign on, each until its own end. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.alterTable('webhooks', (t) => {
    addJson(knex, t, 'older_secrets');
  });
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.alterTable('webhooks', (t) => {
    t.dropColumn('older_secrets');
  });
}
