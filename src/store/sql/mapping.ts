import { fromJson, type SqliteValue, sqliteValue, toColumn } from './json.ts';
import type { Row } from './statements.ts';

type Form = 'plain' | 'json' | 'boolean';

interface Column {
  readonly name: string;
  readonly form: Form;
}

export const plain = (name: string): Column => ({ name, form: 'plain' });
export const json = (name: string): Column => ({ name, form: 'json' });
export const boolean = (name: string): Column => ({ name, form: 'boolean' });

/** How records of one type lie in one table. */
export interface Mapping<T> {
  readonly table: string;
  /** Named one by one, because `*` would break prepared statements when a migration adds a column. */
  readonly columns: readonly string[];
  read(row: Row): T;
  /** Reads rows that hold the columns of several tables: the names of these begin with the prefix. */
  readPrefixed(prefix: string): (row: Row) => T;
  write(record: T): Row;
  /** What `write` answers, as the embedded database takes it: in the order of `columns`, without their names. */
  values(record: T): SqliteValue[];
  /** Column values for an UPDATE that sets only what is present. */
  patch(change: Partial<T>): Record<string, string | number | boolean | null>;
}

/** INVARIANT: exhaustive. A new member of `T` does not compile until it has a column. */
export function mapping<T extends object>(
  table: string,
  columns: { readonly [K in keyof T]-?: Column },
): Mapping<T> {
  const pairs = Object.entries(columns) as [keyof T & string, Column][];
  const emptyRow = empty(pairs.map(([, { name }]) => name));
  return {
    table,
    columns: pairs.map(([, { name }]) => name),
    read: reader(pairs),
    readPrefixed: (prefix) =>
      reader(pairs.map(([key, { name, form }]) => [key, { name: prefix + name, form }])),
    write(record) {
      const row: Record<string, unknown> = { ...emptyRow };
      // Absent instead of null: as JSON the row is a fifth shorter, and it is stored as the same.
      for (const [key, { name }] of pairs) row[name] = record[key] ?? undefined;
      return row;
    },
    values: (record) => pairs.map(([key]) => sqliteValue(record[key])),
    patch(change) {
      const present = pairs.filter(([key]) => change[key] !== undefined);
      return Object.fromEntries(present.map(([key, { name }]) => [name, toColumn(change[key])]));
    },
  };
}

function reader<T>(pairs: readonly (readonly [string, Column])[]): (row: Row) => T {
  const emptyRecord = empty(pairs.map(([key]) => key));
  return (row) => {
    const record: Record<string, unknown> = { ...emptyRecord };
    for (const [key, { name, form }] of pairs) record[key] = decode(form, row[name]);
    return record as T;
  };
}

/**
 * Copies of it are filled in place. An object that gets so many members one by one becomes a hash table to V8, six times
 * as large and slower to read.
 */
function empty(names: readonly string[]): Readonly<Record<string, undefined>> {
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

function decode(form: Form, stored: unknown): unknown {
  if (stored === null) return null;
  if (form === 'json') return fromJson(stored);
  return form === 'boolean' ? Boolean(stored) : stored;
}
