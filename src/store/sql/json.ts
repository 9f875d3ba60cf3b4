const NUL = '\u0000';
const ESCAPED = /\\u(?:0000|d[89a-f])/i;
/** Hardly any text holds an escape of this form, and looking for the two characters is much faster. */
const ANY_ESCAPE = '\\u';

/** The JSON text of a value, with what PostgreSQL cannot store (NUL, halves of surrogate pairs) replaced. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes(ANY_ESCAPE) && ESCAPED.test(text)
    ? JSON.stringify(value, (_key, part) => withStorableKeys(storable(part)))
    : text;
}

function withStorableKeys(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [storable(key), value]));
}

/** Reads a JSON column: PostgreSQL's driver answers the value, SQLite the text. */
export function fromJson(stored: unknown): unknown {
  return typeof stored === 'string' ? JSON.parse(stored) : stored;
}

/** Text that both databases can hold; whatever else it is handed, it leaves alone. */
export function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  return typeof value === 'string' ? value.toWellFormed().replaceAll(NUL, '\ufffd') : value;
}

/** A value as one column takes it; objects and arrays become JSON text. */
export function toColumn(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? toJson(value) : (value as string | number | boolean);
}

/** The same for the embedded database: it has no booleans, and its driver refuses them. */
export function sqliteValue(value: unknown): SqliteValue {
  const stored = toColumn(value);
  return typeof stored === 'boolean' ? Number(stored) : stored;
}

export type SqliteValue = string | number | null;
