import { isName, isRecord } from './access.ts';
import type { HandleKind } from './dependencies.ts';
import type { FeedRow } from './ledger.ts';

/** One page of `GET /api/revocations`. */
export interface FeedPage {
  readonly rows: readonly FeedRow[];
  /** Where to go on. */
  readonly next: number;
  /** The last row that there is. */
  readonly head: number;
}

/** What the stream says. */
export type FeedEvent =
  | { readonly type: 'rows'; readonly rows: readonly FeedRow[] }
  /** `at` in milliseconds of the server's clock. */
  | { readonly type: 'head'; readonly head: number; readonly at: number }
  /** What was known before is of another ledger: the rows of this one follow from the first on. */
  | { readonly type: 'reset' };

/** The feed says something that is not understood. INVARIANT: what may be a revocation is never passed over. */
export class FeedMalformed extends Error {
  override readonly name = 'FeedMalformed';
}

const KINDS: Readonly<Record<HandleKind, true>> = {
  token: true,
  token_self: true,
  task: true,
  grant: true,
  agent: true,
  user: true,
};

/** @throws FeedMalformed */
export function readPage(body: unknown, after: number): FeedPage {
  if (!isRecord(body) || !isSeq(body['next']) || !isSeq(body['head'])) throw new FeedMalformed('not a page');
  const { next, head } = body;
  // The server begins anew by itself; the follower asks for that again, with the place that it begins at.
  if (head < after) return { rows: [], next: after, head };
  const rows = readRows(body['revocations']);
  const last = rows.at(-1)?.[0] ?? after;
  if ((rows[0]?.[0] ?? Infinity) <= after || next < last) throw new FeedMalformed('rows out of order');
  return { rows, next, head };
}

/** @throws FeedMalformed */
export function readRows(value: unknown): readonly FeedRow[] {
  if (!Array.isArray(value)) throw new FeedMalformed('not rows');
  let last = 0;
  for (const row of value as unknown[]) {
    if (!isRow(row) || row[0] <= last) throw new FeedMalformed('not a row, or out of order');
    [last] = row;
  }
  return value as FeedRow[];
}

/** @throws FeedMalformed */
export function readHead(value: unknown): { head: number; at: number } {
  if (!isRecord(value) || !isSeq(value['head']) || !isMoment(value['at']))
    throw new FeedMalformed('not a head');
  return { head: value['head'], at: value['at'] };
}

function isRow(row: unknown): row is FeedRow {
  if (!Array.isArray(row)) return false;
  const [seq, kind, handle, epoch] = row as unknown[];
  return isSeq(seq) && isName(kind) && Object.hasOwn(KINDS, kind) && isName(handle) && isSeq(epoch);
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isMoment(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
