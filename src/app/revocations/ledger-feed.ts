import { UnavailableError } from '../../domain/unavailable.ts';
import type { Clock } from '../ports.ts';
import type { LedgerReads, LedgerRow } from '../ports/ledger.ts';
import { createBell } from './bell.ts';
import { type FollowerLimits, FollowerPlaces } from './follower-places.ts';
import { noRows, type RecentRows, rowsAfter, withPage } from './recent-rows.ts';

/** What a follower is told: rows after those it has, or none, which proves that there were none. */
export interface News {
  /** Undefined: some of them are not in memory any more, or the ledger ends before; the follower reads it itself. */
  readonly rows: readonly LedgerRow[] | undefined;
  /** The last row there was `at` (milliseconds since the epoch). */
  readonly head: number;
  readonly at: number;
}

/** One who follows the ledger. It has a place until it leaves. */
export interface Follower {
  /**
   * Waits for a row after the sequence number `after`, or for a look at the ledger that found none: at least every second
   * while it can be read, and never while it cannot.
   * @returns undefined when the follower has left or the feed is over.
   */
  next(after: number): Promise<News | undefined>;
  leave(): void;
}

export interface LedgerFeed {
  /** @throws UnavailableError `overloaded` when there is no place left, or the feed is over. */
  join(clientId: string): Follower;
  /** Lets every follower go, and takes no more. */
  close(): void;
}

export interface LedgerFeedParts {
  readonly ledger: Pick<LedgerReads, 'since'>;
  /** Calls the listener after every commit of this process that wrote to the ledger. */
  readonly onRevoked: (listener: () => void) => void;
  readonly clock: Clock;
  readonly limits: FollowerLimits;
}

/** How soon what another node has revoked is noticed. */
const LOOK_EVERY_MS = 50;
/** Twice a second, so that a late one still comes within the second that is promised. */
const BEAT_EVERY_MS = 450;
const AFTER_FAILURE_MS = 200;
/** Rows for a follower at once. */
export const MOST_ROWS = 1000;

interface Waiting {
  readonly after: number;
  resolve(news: News | undefined): void;
}

/** What is known of the ledger since `at`. */
interface Known {
  readonly recent: RecentRows;
  /** The last row there was, which may be later than those that were read. */
  readonly head: number;
  readonly at: number;
}

/**
 * Follows the ledger for all who follow it at this process: one read per interval, whatever their number, one at once
 * when this process has revoked something, and none while there is nobody.
 */
export function createLedgerFeed({ ledger, onRevoked, clock, limits }: LedgerFeedParts): LedgerFeed {
  const places = new FollowerPlaces(limits);
  const waiting = new Set<Waiting>();
  const bell = createBell();
  let known: Known | undefined;
  let running = false;
  let over = false;
  let lastBeat = -Infinity;
  onRevoked(() => bell.ring());

  async function run(): Promise<void> {
    running = true;
    while (places.count > 0 && !over) {
      const heard = bell.rings();
      const pause = await look().then(
        (more) => (more ? 0 : LOOK_EVERY_MS),
        // The store tells the log, and nobody is told anything: silence means that nothing is known.
        () => AFTER_FAILURE_MS,
      );
      if (pause > 0) await bell.wait(pause, heard);
    }
    known = undefined;
    running = false;
  }

  /** True when there is more to read. */
  async function look(): Promise<boolean> {
    // Before the question: what is answered was true then.
    const at = clock.now();
    const page = known ? await ledger.since(known.recent.head, MOST_ROWS) : await ledger.since(0, 0);
    const beats = performance.now() - lastBeat >= BEAT_EVERY_MS;
    const lost = known !== undefined && page.head < known.recent.head;
    known = { recent: known ? withPage(known.recent, page) : noRows(page.head), head: page.head, at };
    const more = page.rows.length === MOST_ROWS;
    // As long as there is more to read, nobody has all there is.
    if (page.rows.length > 0 || beats || lost) tell(known, beats && !more);
    return more;
  }

  function tell(now: Known, beats: boolean): void {
    if (beats) lastBeat = performance.now();
    const told = new Map<number, News>();
    for (const one of waiting) {
      const news = told.get(one.after) ?? newsOf(now, one.after);
      told.set(one.after, news);
      if (news.rows?.length === 0 && !beats) continue;
      waiting.delete(one);
      one.resolve(news);
    }
  }

  function wait(after: number): Waiting & { readonly news: Promise<News | undefined> } {
    const { promise: news, resolve } = Promise.withResolvers<News | undefined>();
    const one = { after, resolve, news };
    waiting.add(one);
    return one;
  }

  function followerOf(clientId: string): Follower {
    let left = false;
    let pending: Waiting | undefined;
    return {
      async next(after) {
        if (left || over) return undefined;
        if (known && after < known.recent.head) return newsOf(known, after);
        const one = wait(after);
        pending = one;
        return one.news;
      },
      leave() {
        if (left) return;
        left = true;
        places.free(clientId);
        if (!pending) return;
        waiting.delete(pending);
        pending.resolve(undefined);
      },
    };
  }

  return {
    join(clientId) {
      if (over) throw new UnavailableError('overloaded', 'the feed is over');
      places.take(clientId);
      if (!running) void run();
      return followerOf(clientId);
    },
    close() {
      over = true;
      bell.ring();
      for (const one of waiting) one.resolve(undefined);
      waiting.clear();
    },
  };
}

function newsOf({ recent, head, at }: Known, after: number): News {
  // Beyond what is known: read elsewhere before this process read it, or of a ledger that was replaced.
  return { rows: after > recent.head ? undefined : rowsAfter(recent, after, MOST_ROWS), head, at };
}
