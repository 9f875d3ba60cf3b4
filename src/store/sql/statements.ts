import type { Database as SqliteConnection } from 'better-sqlite3';
import type { Knex } from 'knex';
import { sqliteValue, toJson } from './json.ts';
import { whenUnlocked } from './transaction.ts';

/** Values of a row by column name; objects and arrays stand for JSON columns. */
export type Row = Readonly<Record<string, unknown>>;

export function isPostgres(db: Knex): boolean {
  return db.client.config.client === 'pg';
}

/** The rows that a statement answers. */
export async function rowsOf<R = Row>(
  db: Knex,
  sql: string,
  bindings: readonly unknown[],
): Promise<readonly R[]> {
  if (!isPostgres(db)) return whenUnlocked(db, async () => db.raw(sql, bindings as Knex.RawBinding[]));
  const answer = await db.raw(sql, bindings as Knex.RawBinding[]);
  return answer.rows;
}

/** How many rows a statement without RETURNING wrote. */
export async function hitsOf(db: Knex, sql: string, bindings: readonly unknown[]): Promise<number> {
  const answer = await whenUnlocked(db, async () => db.raw(sql, bindings as Knex.RawBinding[]));
  return isPostgres(db) ? answer.rowCount : answer.changes;
}

/**
 * A condition that the column equals one of the values. Its text does not depend on how many there are, so the
 * statement is prepared once.
 */
export function among(
  db: Knex,
  column: string,
  values: readonly (string | number)[],
): { sql: string; bindings: unknown[] } {
  if (isPostgres(db)) return { sql: `${column} = ANY(?)`, bindings: [values] };
  return { sql: `${column} IN (SELECT value FROM json_each(?))`, bindings: [JSON.stringify(values)] };
}

/**
 * Goes before the name of a column in a condition, where another condition leaves far fewer rows: the embedded database
 * keeps no statistics that would tell it which of two indexes to use.
 */
export function notFirst(db: Knex, another: boolean): '' | '+' {
  return another && !isPostgres(db) ? '+' : '';
}

/**
 * A table expression with the given columns that reads one JSON array of objects: many inputs, one statement.
 * PostgreSQL always expects a hundred of them, so conditions that join it should name the keys with `among` too,
 * or a small table is read from end to end.
 */
export function inputs(db: Knex, columns: Readonly<Record<string, 'text' | 'bigint'>>): string {
  const names = Object.keys(columns);
  if (isPostgres(db)) {
    return `json_to_recordset(?::json) AS input(${names.map((name) => `${name} ${columns[name]}`).join(', ')})`;
  }
  const fields = names.map((name) => `json_extract(value, '$.${name}') AS ${name}`);
  return `(SELECT ${fields.join(', ')} FROM json_each(?)) AS input`;
}

/** Inserts the rows that no other row stands in the way of, and answers the values of the column `key` of these. */
export async function insertFree(
  db: Knex,
  table: string,
  key: string,
  rows: readonly Row[],
): Promise<ReadonlySet<unknown>> {
  const inserted = await insertRows(db, table, rows, `ON CONFLICT DO NOTHING RETURNING ${key}`);
  return new Set(inserted.map((row) => row[key]));
}

/** Inserts rows that have the same columns; answers what the clause `then` returns. */
export async function insertRows(
  db: Knex,
  table: string,
  rows: readonly Row[],
  then = '',
): Promise<readonly Row[]> {
  if (rows.length === 0) return [];
  const columns = Object.keys(rows[0] ?? {});
  const into = `INSERT INTO ${table} (${columns.join(', ')})`;
  if (isPostgres(db)) {
    // One round trip for all, and one prepared statement for any number of them.
    const from = `SELECT ${columns.join(', ')} FROM json_populate_recordset(NULL::${table}, ?::json)`;
    return rowsOf(db, `${into} ${from} ${then}`, [toJson(rows)]);
  }
  const sql = `${into} VALUES (${columns.map(() => '?').join(', ')}) ${then}`;
  return whenUnlocked(db, () => insertOneByOne(db, sql, columns, rows));
}

/**
 * In the process there are no round trips to save: one by one is half as fast again as one statement for all, when
 * the statement is run by the driver itself.
 */
async function insertOneByOne(
  db: Knex,
  sql: string,
  columns: readonly string[],
  rows: readonly Row[],
): Promise<readonly Row[]> {
  const connection = (await db.client.acquireConnection()) as SqliteConnection;
  try {
    const statement = connection.prepare(sql);
    const answers: Row[] = [];
    for (const row of rows) {
      const values = columns.map((column) => sqliteValue(row[column]));
      if (statement.reader) answers.push(...(statement.all(values) as Row[]));
      else statement.run(values);
    }
    return answers;
  } finally {
    await db.client.releaseConnection(connection);
  }
}

/** A scalar subquery that answers the rows of `from` as one JSON list of objects, `[]` when there are none. */
export function jsonListOf(db: Knex, columns: readonly string[], from: string): string {
  const members = columns.map((column) => `'${column}', ${column}`).join(', ');
  return isPostgres(db)
    ? `(SELECT COALESCE(json_agg(json_build_object(${members})), '[]') FROM ${from})`
    : `(SELECT json_group_array(json_object(${members})) FROM ${from})`;
}
