import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Page, Paged, Slice, Sliced } from '../app/ports/page.ts';
import { DomainError } from '../domain/errors.ts';
import type { Row } from './statements.ts';

/** A total order that an index serves; a cursor holds the values of its columns in the last row of a page. */
export interface Order {
  readonly columns: Readonly<Record<string, 'number' | 'string'>>;
  readonly direction: 'asc' | 'desc';
}

type Position = readonly (number | string)[];

/** The page of a query without order or limit of its own. @throws DomainError `parameter_invalid` for a bad cursor. */
export async function pageOf<T>(
  query: Knex.QueryBuilder,
  order: Order,
  page: Page,
  read: (row: Row) => T,
): Promise<Paged<T>> {
  const rows = await rowsAfter(query, order, readCursor(order, page.after), page.limit + 1);
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  const next = rows.length > items.length && last ? writeCursor(order, last) : null;
  return { items: items.map(read), next };
}

const COUNTED = 10_000;

/** A part of a query without order or limit of its own, by the numbers of its rows, and how many there are. */
export async function sliceOf<T>(
  query: Knex.QueryBuilder,
  order: Order,
  { offset, limit }: Slice,
  read: (row: Row) => T,
): Promise<Sliced<T>> {
  const rows = query.clone().offset(offset).limit(limit);
  for (const name of Object.keys(order.columns)) rows.orderBy(name, order.direction);
  // No index counts: beyond this it would cost more than it tells.
  const some = query
    .clone()
    .clearSelect()
    .select(query.client.raw('1'))
    .limit(COUNTED + 1);
  const [items, counted] = await Promise.all([
    rows as Promise<readonly Row[]>,
    query.client.queryBuilder().count({ rows: '*' }).from(some.as('counted')),
  ]);
  const total = Number((counted as readonly { rows: number }[])[0]?.rows ?? 0);
  return { items: items.map(read), total: Math.min(total, COUNTED), truncated: total > COUNTED };
}

const SCAN_ROWS = 200;
/** For one page: reading on through a million rows that do not fit would keep everybody else waiting. */
const MOST_SCANNED = 5_000;

/**
 * Like `pageOf`, for a condition that SQL cannot decide: reads on until the page is full, the rows end, or it has read
 * enough; then the page is short, and the next one begins there. `keep` is asked about many rows at once and answers one
 * boolean for each.
 */
export async function filteredPageOf<T>(
  query: Knex.QueryBuilder,
  order: Order,
  page: Page,
  read: (row: Row) => T,
  keep: (records: readonly T[]) => Promise<readonly boolean[]>,
): Promise<Paged<T>> {
  const found: { row: Row; record: T }[] = [];
  let after = readCursor(order, page.after);
  for (let scanned = 0; ; ) {
    const rows = await rowsAfter(query, order, after, SCAN_ROWS);
    const records = rows.map(read);
    const kept = await keep(records);
    for (const [i, row] of rows.entries()) {
      const record = records[i];
      if (kept[i] && record !== undefined) found.push({ row, record });
    }
    const last = rows.at(-1);
    if (found.length > page.limit || rows.length < SCAN_ROWS || !last) break;
    scanned += rows.length;
    if (scanned >= MOST_SCANNED) {
      return { items: found.map(({ record }) => record), next: writeCursor(order, last) };
    }
    after = position(order, last);
    // The embedded database answers at once, and nobody would get a turn.
    await setImmediate();
  }
  const items = found.slice(0, page.limit);
  const end = items.at(-1);
  return {
    items: items.map(({ record }) => record),
    next: found.length > items.length && end ? writeCursor(order, end.row) : null,
  };
}

async function rowsAfter(
  query: Knex.QueryBuilder,
  order: Order,
  after: Position | undefined,
  limit: number,
): Promise<readonly Row[]> {
  const names = Object.keys(order.columns);
  const rows = query.clone().limit(limit);
  for (const name of names) rows.orderBy(name, order.direction);
  if (after) {
    const compare = order.direction === 'asc' ? '>' : '<';
    rows.whereRaw(`(${names.join(', ')}) ${compare} (${names.map(() => '?').join(', ')})`, [...after]);
  }
  return rows;
}

function position(order: Order, row: Row): Position {
  return Object.keys(order.columns).map((name) => row[name] as number | string);
}

function writeCursor(order: Order, row: Row): string {
  return Buffer.from(JSON.stringify(position(order, row))).toString('base64url');
}

function readCursor(order: Order, cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  const values = parse(cursor);
  const types = Object.values(order.columns);
  const fits = Array.isArray(values) && values.length === types.length;
  if (!fits || !types.every((type, i) => isOf(type, values[i]))) {
    throw new DomainError('parameter_invalid', 'the cursor is not one that this list answered');
  }
  return values;
}

function isOf(type: 'number' | 'string', value: unknown): boolean {
  return type === 'number' ? Number.isSafeInteger(value) : typeof value === 'string';
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
