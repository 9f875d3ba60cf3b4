import type { Knex } from 'knex';
import { isPostgres } from '../../src/store/sql/statements.ts';

/**
 * Copies one row of a table `count` times. `over` names the columns that differ, each with the SQL expression of its
 * value, in which `i` is the number of the copy.
 */
async function copyRow(knex: Knex, table: string, count: number, over: Record<string, string>) {
  const columns = Object.keys(await knex(table).columnInfo()).filter((name) => name !== 'seq');
  const values = columns.map((name) => over[name] ?? `one.${name}`);
  const numbers = isPostgres(knex)
    ? `generate_series(1, ${count}) AS numbers(i)`
    : `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n) AS numbers`;
  await knex.raw(
    `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values.join(', ')}
     FROM (SELECT * FROM ${table} LIMIT 1) AS one CROSS JOIN ${numbers}`,
  );
}

/** Rows of every table that is cleaned up, made from rows that are there: all ended at `endedAt`. */
export async function makeBacklog(knex: Knex, count: number, endedAt: number): Promise<void> {
  const id = (prefix: string) => `'${prefix}' || i`;
  const ended = { expires_at: String(endedAt) };
  await copyRow(knex, 'tasks', count, {
    ...ended,
    handle: id('old-'),
    task_id: id('old-'),
    path: id('old-'),
    parent_handle: 'NULL',
    parent_token_id: 'NULL',
  });
  const token = { ...ended, token_id: id('old-'), task_handle: id('old-'), digest: 'NULL', format: "'jwt'" };
  await copyRow(knex, 'tokens', count, token);
  await copyRow(knex, 'audit_events', count, { at: String(endedAt), unit_id: id('old-'), id: id('old-') });
  await copyRow(knex, 'revocations', count, { ...ended, handle: id('old-') });
  await copyRow(knex, 'oidc_artifacts', count, { ...ended, id: id('old-'), uid: 'NULL', grant_id: 'NULL' });
}
