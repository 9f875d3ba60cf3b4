import { type Dependency, endedBy } from '../../domain/revocation.ts';
import { UnavailableError } from '../../domain/unavailable.ts';
import type { Clock } from '../ports.ts';
import type { LedgerReads, LedgerRow } from '../ports/ledger.ts';
import { type Follower, MOST_ROWS, type News } from './ledger-feed.ts';

export type FeedEvent =
  | { readonly kind: 'rows'; readonly rows: readonly LedgerRow[] }
  /** All rows up to `head` were told, and there were no more `at` (milliseconds since the epoch). */
  | { readonly kind: 'head'; readonly head: number; readonly at: number }
  /** What was told before is of another ledger; the first rows of this one follow. */
  | { readonly kind: 'reset' };

export interface FollowCommand {
  readonly follower: Follower;
  /** The sequence number of the last row that the follower has; 0 = none. */
  readonly after: number;
  /** What the right to follow rests on: it ends when the ledger ends that. */
  readonly dependencies: readonly Dependency[];
  /** When it ends in any case, in milliseconds since the epoch: credentials are looked at again then. */
  readonly until: number;
}

/**
 * Everything that was revoked after a place in the ledger, and from then on what is, in its order: first from the ledger
 * itself, then what the feed tells. Ends when the follower leaves, when its right to follow does, and when the ledger
 * cannot be read.
 */
export async function* followRevocations(
  { ledger, clock }: { readonly ledger: Pick<LedgerReads, 'since'>; readonly clock: Clock },
  { follower, after, dependencies, until }: FollowCommand,
): AsyncGenerator<FeedEvent> {
  const isEnded = endedIn(dependencies);
  let last = after;
  for (let live = false; clock.now() < until; ) {
    const news: News | undefined = live ? await follower.next(last) : await read(last);
    if (!news) return;
    const { rows, head, at }: News = news;
    if (!rows) {
      live = false;
      continue;
    }
    if (!live && head < last) {
      yield { kind: 'reset' };
      last = 0;
      continue;
    }
    if (rows.length > 0) {
      yield { kind: 'rows', rows };
      last = rows.at(-1)?.seq ?? last;
      if (isEnded(rows)) return;
    }
    live ||= rows.length < MOST_ROWS;
    if (last === head) yield { kind: 'head', head, at };
  }

  async function read(from: number): Promise<News | undefined> {
    const at = clock.now();
    try {
      return { ...(await ledger.since(from, MOST_ROWS)), at };
    } catch (error) {
      if (error instanceof UnavailableError) return undefined;
      throw error;
    }
  }
}

function endedIn(dependencies: readonly Dependency[]): (rows: readonly LedgerRow[]) => boolean {
  const handles = new Set(dependencies.map(({ handle }) => handle));
  return (rows) => {
    const own = rows.filter(({ handle }) => handles.has(handle));
    return own.length > 0 && endedBy(dependencies, own) !== undefined;
  };
}
