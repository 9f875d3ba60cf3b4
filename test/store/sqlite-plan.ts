import type { Knex } from 'knex';

/**
 * The steps in which the embedded database goes about a statement. It plans without statistics, so what it does in an
 * empty database it always does.
 */
export async function sqlitePlan(
  knex: Knex,
  sql: string,
  bindings: readonly unknown[],
): Promise<readonly string[]> {
  const steps: { detail: string }[] = await knex.raw(
    `EXPLAIN QUERY PLAN ${sql}`,
    bindings as Knex.RawBinding[],
  );
  return steps.map(({ detail }) => detail);
}
