import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { OwnPostgres } from '../sides/postgres.ts';
import type { DatabaseKind } from '../sides/side.ts';
import type { Taskgrant } from '../sides/taskgrant.ts';

/** A column and the literal of a type that fits it. */
export interface Column {
  readonly name: string;
  literal(text: string): string;
  /** The text expression as a value of the column's type. */
  typed(expression: string): string;
}

/** Straight access to the product's database while the product does not run, for inserting very many rows. */
export interface SeedDatabase {
  readonly kind: DatabaseKind;
  run(sql: string): Promise<void>;
  /** Rows with every value as text. */
  texts(table: string, columns: readonly Column[], where: string): Promise<readonly Texts[]>;
  columns(table: string): Promise<readonly Column[]>;
  /** Takes the indexes off the tables that are not part of a constraint; answers how to put them back. */
  withoutIndexes(tables: readonly string[]): Promise<() => Promise<void>>;
  /** Writes everything out and closes. */
  finish(): Promise<void>;
}

export type Texts = Readonly<Record<string, string | null>>;

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export async function openSeedDatabase({ home, postgres }: Taskgrant): Promise<SeedDatabase> {
  return postgres ? onPostgres(postgres) : onSqlite(join(home, 'data/taskgrant.db'));
}

async function onPostgres({ query, settle }: OwnPostgres): Promise<SeedDatabase> {
  const run = async (sql: string) => void (await query(sql));
  await run("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'");
  // Foreign keys are checked by triggers, row by row; copies of right rows are right.
  await run('SET session_replication_role = replica');
  return {
    kind: 'postgres',
    run,
    async texts(table, columns, where) {
      const shown = columns.map(({ name }) => `"${name}"::text AS "${name}"`).join(', ');
      return (await query(`SELECT ${shown} FROM ${table} WHERE ${where}`)) as readonly Texts[];
    },
    async columns(table) {
      const rows = await query(
        'SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = $1 AND is_generated = $2',
        [table, 'NEVER'],
      );
      return rows.map((row) => ({
        name: String(row['column_name']),
        literal: (text: string) => `${quoted(text)}::${String(row['udt_name'])}`,
        typed: (expression: string) => `(${expression})::${String(row['udt_name'])}`,
      }));
    },
    async withoutIndexes(tables) {
      const indexes = await query(
        `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS sql FROM pg_index
         WHERE indrelid::regclass::text = ANY($1) AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)`,
        [tables],
      );
      for (const { name } of indexes) await run(`DROP INDEX ${String(name)}`);
      return async () => {
        for (const { sql } of indexes) await run(String(sql));
      };
    },
    async finish() {
      await run('SET session_replication_role = DEFAULT; SET synchronous_commit = on');
      // What autovacuum would have done by the time that so many rows had come one by one.
      await run('VACUUM');
      await settle();
    },
  };
}

async function onSqlite(file: string): Promise<SeedDatabase> {
  const database = new Sqlite(file);
  database.pragma('synchronous = OFF');
  database.pragma('foreign_keys = OFF');
  database.pragma('temp_store = MEMORY');
  database.pragma('cache_size = -524288');
  const run = async (sql: string) => void database.exec(sql);
  return {
    kind: 'sqlite',
    run,
    async texts(table, columns, where) {
      const shown = columns.map(({ name }) => `CAST("${name}" AS TEXT) AS "${name}"`).join(', ');
      return database.prepare<unknown[], Texts>(`SELECT ${shown} FROM ${table} WHERE ${where}`).all();
    },
    async columns(table) {
      const rows = database
        .prepare<unknown[], { name: string; type: string }>(`PRAGMA table_info(${table})`)
        .all();
      return rows.map(({ name, type }) => ({
        name,
        literal: (text: string) => (/int|bool/i.test(type) ? text : quoted(text)),
        typed: (expression: string) => expression,
      }));
    },
    async withoutIndexes(tables) {
      const indexes = database
        .prepare<unknown[], { name: string; sql: string; tbl_name: string }>(
          "SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
        )
        .all()
        .filter(({ tbl_name: table }) => tables.includes(table));
      for (const { name } of indexes) await run(`DROP INDEX "${name}"`);
      return async () => {
        for (const { sql } of indexes) await run(sql);
      };
    },
    async finish() {
      database.pragma('wal_checkpoint(TRUNCATE)');
      database.close();
    },
  };
}
