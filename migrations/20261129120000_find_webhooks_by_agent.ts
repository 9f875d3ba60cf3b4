import type { Knex } from 'knex';

/** Each commit asks for the webhooks about its agents: they are found without reading those about all others. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw("CREATE INDEX webhooks_agent ON webhooks (COALESCE(agent_id, ''))");
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP INDEX webhooks_agent');
}
