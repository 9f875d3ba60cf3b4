import type { LedgerPage, LedgerRow } from '../ports/ledger.ts';

/** The last rows of the ledger: all of those after `from`, up to `head`. */
export interface RecentRows {
  readonly rows: readonly LedgerRow[];
  readonly from: number;
  readonly head: number;
}

/** Rows that are kept for followers who are a little late. */
const MOST = 5000;
/** Thrown away together, so that adding one costs no copy of all the others. */
const SPARE = 1000;

/** Nothing yet of a ledger that ends at `head`. */
export function noRows(head: number): RecentRows {
  return { rows: [], from: head, head };
}

/** With the page that follows. A page that ends earlier is of another ledger (a backup): nothing known holds there. */
export function withPage(recent: RecentRows, page: LedgerPage): RecentRows {
  if (page.head < recent.head) return noRows(page.head);
  const last = page.rows.at(-1);
  if (!last) return recent;
  const rows = [...recent.rows, ...page.rows];
  if (rows.length <= MOST + SPARE) return { rows, from: recent.from, head: last.seq };
  const kept = rows.slice(-MOST);
  return { rows: kept, from: rows[rows.length - MOST - 1]?.seq ?? recent.from, head: last.seq };
}

/** At most `most` rows after `after`; undefined when some of them are not known any more. */
export function rowsAfter(
  { rows, from, head }: RecentRows,
  after: number,
  most: number,
): readonly LedgerRow[] | undefined {
  if (after < from) return undefined;
  if (after >= head) return [];
  const start = rows.findLastIndex(({ seq }) => seq <= after) + 1;
  return rows.slice(start, start + most);
}
