import type { Knex } from 'knex';
import { byteOrdered } from '../src/store/schema/column-types.ts';
import { isPostgres } from '../src/store/sql/statements.ts';

/** Counters of rate limits that many nodes share; docs/tables.md describes every column. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('rate_limits', (t) => {
    t.text('policy').notNullable();
    t.specificType('key', byteOrdered(knex)).notNullable();
    t.bigInteger('used').notNullable();
    t.bigInteger('capacity').notNullable();
    t.bigInteger('granted').notNullable();
    t.boolean('exhausted').notNullable();
    t.bigInteger('resets_at').notNullable();
    t.primary(['key', 'policy']);
    t.index(['resets_at'], 'rate_limits_resets_at');
    // A column that rarely changes, and not `used >= capacity`: counting must not touch an index (HOT updates).
    t.index(['policy', 'resets_at'], 'rate_limits_exhausted', { predicate: knex.whereRaw('exhausted') });
  });
  if (!isPostgres(knex)) return;
  // A crash may forget windows; in return a count never waits for the disk.
  await knex.raw('ALTER TABLE rate_limits SET UNLOGGED');
  await knex.raw('ALTER TABLE rate_limits SET (fillfactor = 50)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('rate_limits');
}
