import type { Clock } from '../ports.ts';
import type { LedgerReads, LedgerRow } from '../ports/ledger.ts';
import type { LedgerFeed } from './ledger-feed.ts';

export interface ReadCommand {
  readonly clientId: string;
  /** The sequence number of the last row that the caller has; 0 = none. */
  readonly after: number;
  readonly limit: number;
  /** How long to wait when there is nothing new, in milliseconds. */
  readonly waitMs: number;
  /** The caller is gone. */
  readonly signal: AbortSignal;
}

export interface RevocationsPage {
  readonly rows: readonly LedgerRow[];
  /** Where the next page begins: `after` of the next request. */
  readonly next: number;
  readonly head: number;
  /** When the ledger was read, in milliseconds since the epoch. */
  readonly at: number;
}

export interface RevocationSources {
  readonly ledger: Pick<LedgerReads, 'since'>;
  readonly feed: LedgerFeed;
  readonly clock: Clock;
}

/**
 * A part of the ledger, and when there is nothing new, whatever comes while the caller is willing to wait. A place beyond
 * the end is of another ledger: the answer begins anew then.
 * @throws UnavailableError when the ledger cannot be read, or too many wait.
 */
export async function readRevocations(
  sources: RevocationSources,
  command: ReadCommand,
): Promise<RevocationsPage> {
  const first = await readPage(sources, command);
  const { head, next, rows } = first;
  if (rows.length > 0 || next < command.after || command.waitMs === 0) return first;
  const comes = await somethingComes(sources.feed, head, command);
  // Read again, also when nothing came: the answer tells what was true when it was given.
  return comes || !command.signal.aborted ? readPage(sources, command) : first;
}

async function readPage({ ledger, clock }: RevocationSources, { after, limit }: ReadCommand) {
  const at = clock.now();
  const page = await ledger.since(after, limit);
  if (page.head >= after) return pageOf(page, after, at);
  return pageOf(await ledger.since(0, limit), 0, at);
}

function pageOf(
  { rows, head }: { rows: readonly LedgerRow[]; head: number },
  after: number,
  at: number,
): RevocationsPage {
  return { rows, next: rows.at(-1)?.seq ?? after, head, at };
}

/** True when there are rows after `after`; false when the time is over, the caller is gone or the feed is over. */
async function somethingComes(
  feed: LedgerFeed,
  after: number,
  { clientId, waitMs, signal }: ReadCommand,
): Promise<boolean> {
  const follower = feed.join(clientId);
  const leave = () => follower.leave();
  const timer = setTimeout(leave, waitMs);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    for (;;) {
      const news = await follower.next(after);
      if (!news) return false;
      if (news.rows?.length !== 0) return true;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
    leave();
  }
}
