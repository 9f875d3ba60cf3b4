import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Page, Paged, Slice, Sliced } from '../../app/ports/page.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Row } from './statements.ts';

/** What a column holds; `int4` is a number that PostgreSQL compares with nothing larger. */
type Held = 'number' | 'int4' | 'string';

/** A total order that an index serves; a cursor holds the values of its columns in the last row of a page. */
export interface Order {
  readonly columns: Readonly<Record<string, Held>>;
  readonly direction: 'asc' | 'desc';
}

const MOST_IN_INT4 = 2 ** 31 - 1;

type Position = readonly (number | string)[];

/** What no index finds: conditions that rows have to be read for. */
export type Filter = (query: Knex.QueryBuilder) => unknown;

/** The page of a query without order or limit of its own. @throws DomainError `parameter_invalid` for a bad cursor. */
export async function pageOf<T>(
  query: Knex.QueryBuilder,
  order: Order,
  page: Page,
  read: (row: Row) => T,
  filter?: Filter,
): Promise<Paged<T>> {
  const { rows, end } = await readFrom(
    { query, filter },
    order,
    readCursor(order, page.after),
    page.limit + 1,
  );
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  const more = rows.length > items.length && last ? position(order, last) : end;
  return { items: items.map(read), next: more ? writeCursor(more) : null };
}

const COUNTED = 10_000;

/** A part of a query without order or limit of its own, by the numbers of its rows, and how many there are. */
export async function sliceOf<T>(
  query: Knex.QueryBuilder,
  order: Order,
  { offset, limit }: Slice,
  read: (row: Row) => T,
): Promise<Sliced<T>> {
  const rows = inOrder(query.clone(), order).offset(offset).limit(limit);
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
  filter?: Filter,
): Promise<Paged<T>> {
  const found: { row: Row; record: T }[] = [];
  let after = readCursor(order, page.after);
  let lookedAt = 0;
  for (let scanned = 0; ; ) {
    const { rows, end, looked } = await readFrom({ query, filter }, order, after, SCAN_ROWS);
    const records = rows.map(read);
    const kept = await keep(records);
    for (const [i, row] of rows.entries()) {
      const record = records[i];
      if (kept[i] && record !== undefined) found.push({ row, record });
    }
    if (found.length > page.limit || !end) break;
    scanned += rows.length;
    lookedAt += looked;
    if (scanned >= MOST_SCANNED || lookedAt >= MOST_LOOKED_AT) {
      return { items: found.map(({ record }) => record), next: writeCursor(end) };
    }
    after = end;
    // The embedded database answers at once, and nobody would get a turn.
    await setImmediate();
  }
  const items = found.slice(0, page.limit);
  const last = items.at(-1);
  return {
    items: items.map(({ record }) => record),
    next: found.length > items.length && last ? writeCursor(position(order, last.row)) : null,
  };
}

/** Rows that the embedded database looks at in one statement, while everybody waits, and for one page. */
const WINDOW = 1_000;
const MOST_LOOKED_AT = 200_000;
/** A limit keeps the filter out of the subquery: the embedded database would look for what passes it by another index. */
const ANY_NUMBER = Number.MAX_SAFE_INTEGER;

interface Reading {
  /** `end`: where to go on; undefined when there is no more. */
  readonly rows: readonly Row[];
  readonly end: Position | undefined;
  readonly looked: number;
}

/**
 * Rows behind a position, `limit` at most. On the embedded database a filter may leave next to nothing of millions of
 * rows: they are looked at by and by, and after very many of them it ends early.
 */
async function readFrom(
  { query, filter }: { readonly query: Knex.QueryBuilder; readonly filter: Filter | undefined },
  order: Order,
  from: Position | undefined,
  limit: number,
): Promise<Reading> {
  if (!filter || query.client.config.client === 'pg') {
    const whole = query.clone();
    filter?.(whole);
    const rows = await rowsAfter(whole, order, from, limit);
    const last = rows.at(-1);
    return {
      rows,
      end: rows.length === limit && last ? position(order, last) : undefined,
      looked: rows.length,
    };
  }
  const rows: Row[] = [];
  let after = from;
  for (let looked = WINDOW; ; looked += WINDOW) {
    // The edge first: rows that come or go meanwhile are neither passed over nor read twice.
    const [edge] = await rowsAfter(query, order, after, 1)
      .clearSelect()
      .select(Object.keys(order.columns))
      .offset(WINDOW - 1);
    const to = edge && position(order, edge);
    const window = rowsAfter(query, order, after, ANY_NUMBER);
    if (to) compared(window, order, order.direction === 'asc' ? '<=' : '>=', to);
    const passing = query.client.queryBuilder().from(window.as('looked_at'));
    filter(passing);
    rows.push(...(await inOrder(passing, order).limit(limit - rows.length)));
    const last = rows.at(-1);
    if (rows.length === limit && last) return { rows, end: position(order, last), looked };
    if (!to || looked >= MOST_LOOKED_AT) return { rows, end: to, looked };
    after = to;
    await setImmediate();
  }
}

function inOrder(query: Knex.QueryBuilder, { columns, direction }: Order): Knex.QueryBuilder {
  for (const name of Object.keys(columns)) query.orderBy(name, direction);
  return query;
}

function rowsAfter(
  query: Knex.QueryBuilder,
  order: Order,
  after: Position | undefined,
  limit: number,
): Knex.QueryBuilder {
  const rows = inOrder(query.clone(), order).limit(limit);
  return after ? compared(rows, order, order.direction === 'asc' ? '>' : '<', after) : rows;
}

function compared(
  query: Knex.QueryBuilder,
  { columns }: Order,
  compare: '<' | '>' | '<=' | '>=',
  at: Position,
): Knex.QueryBuilder {
  const names = Object.keys(columns);
  return query.whereRaw(`(${names.join(', ')}) ${compare} (${names.map(() => '?').join(', ')})`, [...at]);
}

function position(order: Order, row: Row): Position {
  return Object.keys(order.columns).map((name) => row[name] as number | string);
}

function writeCursor(at: Position): string {
  return Buffer.from(JSON.stringify(at)).toString('base64url');
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

function isOf(type: Held, value: unknown): boolean {
  if (type === 'string') return typeof value === 'string';
  return Number.isSafeInteger(value) && (type === 'number' || Math.abs(value as number) <= MOST_IN_INT4);
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
