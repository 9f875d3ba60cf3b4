import type { Knex } from 'knex';
import type { Migration } from '../../src/store/schema/migrate.ts';
import { isPostgres } from '../../src/store/sql/statements.ts';

export interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly required: boolean;
  readonly hasDefault: boolean;
}

/** Every column of the product's tables. */
export async function columnsOf(knex: Knex): Promise<Column[]> {
  const answer = await knex.raw(
    isPostgres(knex)
      ? `SELECT table_name AS "table", column_name AS "column", data_type AS type,
           is_nullable = 'NO' AS required, column_default IS NOT NULL AS "hasDefault"
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'knex_%'`
      : `SELECT m.name AS "table", c.name AS "column", c.type, (c."notnull" OR c.pk) AS required,
           c.dflt_value IS NOT NULL AS hasDefault
         FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'knex_%' AND m.name NOT LIKE 'sqlite_%'`,
  );
  const rows: Column[] = isPostgres(knex) ? answer.rows : answer;
  return rows.map((row) => ({
    ...row,
    required: Boolean(row.required),
    hasDefault: Boolean(row.hasDefault),
  }));
}

export async function rowsOf(knex: Knex): Promise<{ table: string; count: number }[]> {
  const tables = [...new Set((await columnsOf(knex)).map(({ table }) => table))].sort();
  const counts = [];
  for (const table of tables) {
    const [row] = await knex(table).count({ rows: '*' });
    counts.push({ table, count: Number(row?.['rows']) });
  }
  return counts;
}

/** Tables that others point at come first. */
const FIRST = ['agents', 'resource_servers', 'tasks'];
const KEYS: Record<string, string> = { client_id: 'one', task_handle: 'one', handle: 'one' };

/** One row in every table, with something in each of its columns. */
export async function fill(knex: Knex): Promise<void> {
  const byTable = Map.groupBy(await columnsOf(knex), ({ table }) => table);
  const tables = [...FIRST, ...[...byTable.keys()].filter((table) => !FIRST.includes(table))];
  for (const table of tables) {
    const columns = (byTable.get(table) ?? []).filter(({ column }) => column !== 'seq');
    await knex(table).insert(Object.fromEntries(columns.map((one) => [one.column, valueOf(one)])));
  }
}

function valueOf({ column, type }: Column): unknown {
  if (/json/.test(type) || /^(scope|audiences|tools|resources|lineage)$/.test(column)) return '[]';
  if (/bool/.test(type)) return false;
  if (/int/.test(type)) return 1;
  return KEYS[column] ?? 'one';
}

/**
 * What a migration does to tables while it holds their locks (PostgreSQL): those that it builds an index on, and those
 * that it writes anew. It is undone again.
 */
export async function locksOf(knex: Knex, migration: Pick<Migration, 'up'>) {
  const trx = await knex.transaction();
  try {
    const before = await trx.raw(FILES);
    await migration.up(trx);
    const after = await trx.raw(FILES);
    const files = new Map(before.rows.map((row: File) => [row.name, row]));
    const same = after.rows.filter((row: File) => files.has(row.name) && row.kind === 'r');
    const changed = same.filter((row: File) => (files.get(row.name) as File).file !== row.file);
    const fresh = after.rows.filter((row: File) => row.kind === 'i' && !files.has(row.name));
    return {
      rewritten: changed.map((row: File) => row.name).sort() as string[],
      indexed: fresh.map((row: File) => row.of).sort() as string[],
    };
  } finally {
    await trx.rollback();
  }
}

/** Names of the constraints of each table (PostgreSQL): keys, references, checks. */
export async function constraintsOf(knex: Knex): Promise<{ table: string; name: string }[]> {
  const { rows } = await knex.raw(
    `SELECT conrelid::regclass::text AS "table", conname AS name FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND contype <> 'n'`,
  );
  return rows;
}

/** `from → to` for every foreign key. */
export async function referencesOf(knex: Knex): Promise<string[]> {
  const answer = await knex.raw(
    isPostgres(knex)
      ? `SELECT conrelid::regclass::text AS "from", confrelid::regclass::text AS "to" FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype = 'f'`
      : `SELECT m.name AS "from", f."table" AS "to" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
         WHERE m.type = 'table'`,
  );
  const rows: { from: string; to: string }[] = isPostgres(knex) ? answer.rows : answer;
  return rows.map(({ from, to }) => `${from} → ${to}`);
}

interface File {
  readonly name: string;
  readonly kind: 'r' | 'i';
  readonly file: string;
  readonly of: string;
}

/** The files behind tables and indexes: one that is written anew gets another file. */
const FILES = `
  SELECT c.relname AS name, c.relkind AS kind, c.relfilenode AS file, COALESCE(t.relname, c.relname) AS of
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')`;
