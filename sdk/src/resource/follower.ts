import { link } from '../shared/abort.ts';
import { tell } from '../shared/tell.ts';
import { type FeedClient, FeedUnavailable } from './feed-client.ts';
import { FeedMalformed } from './feed-wire.ts';
import { backoff, FOLLOWER_TIMING, type FollowerTiming } from './follower-timing.ts';
import { createFreshness } from './freshness.ts';
import type { FeedRow, Ledger } from './ledger.ts';
import { createPlace } from './place.ts';

/** How a follower gets to know of revocations now. */
export type FeedState = 'idle' | 'starting' | 'streaming' | 'polling' | 'lost' | 'closed';

/** A change in how the feed is followed, for logs and alarms. */
export interface FeedChange {
  readonly state: FeedState;
  /** Why, without anything secret. */
  readonly reason?: string | undefined;
}

/** Follows the server's revocation feed into a ledger in memory. */
export interface Follower {
  readonly ledger: Ledger;
  readonly state: FeedState;
  /** The last row that is known. */
  readonly sequence: number;
  /** Milliseconds since the server proved that nothing is missing; Infinity before the first snapshot is complete. */
  age(): number;
  /** Starts, if that was not done yet, and resolves when the first snapshot is complete. Rejects when it is closed. */
  ready(): Promise<void>;
  close(): void;
}

export interface FollowerParts {
  readonly client: FeedClient;
  readonly ledger: Ledger;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
  readonly sleep: (milliseconds: number, signal: AbortSignal | undefined) => Promise<void>;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
  readonly onChange?: ((change: FeedChange) => void) | undefined;
  readonly timing?: Partial<FollowerTiming> | undefined;
}

/** Streams that gave nothing, in a row, before it is polled instead. */
const STREAMS_TO_GIVE_UP = 2;
/** Seconds that the server may hold a poll back until there is something new. */
const POLL_WAIT = 1;

export function createFollower(parts: FollowerParts): Follower {
  const { client, ledger, monotonic, sleep, random } = parts;
  const timing = { ...FOLLOWER_TIMING, ...parts.timing };
  const freshness = createFreshness(monotonic);
  const place = createPlace();
  /** Made when it starts: workers refuse it at the top of a module, where guards are made. */
  let life: AbortController | undefined;
  const isOver = () => life?.signal.aborted === true;
  const first = deferred();
  let state: FeedState = 'idle';
  let attempts = 0;
  let emptyStreams = 0;
  let pollUntil = -Infinity;

  return {
    ledger,
    get state() {
      return state;
    },
    get sequence() {
      return place.sequence;
    },
    age: () => freshness.age(),
    ready() {
      if (state === 'idle') {
        life = new AbortController();
        change('starting');
        void run();
      }
      return first.promise;
    },
    close() {
      change('closed');
      life?.abort();
      first.reject(new Error('the revocation feed was closed'));
    },
  };

  /** INVARIANT: every way through the loop begins with catching up by sequence, so nothing is lost between two ways. */
  async function run(): Promise<void> {
    while (!isOver()) {
      try {
        await catchUp();
        await (monotonic() < pollUntil ? poll() : stream());
      } catch (error) {
        if (isOver()) return;
        change('lost', reasonOf(error));
        await sleep(pauseAfter(error), life?.signal).catch(() => undefined);
      }
    }
  }

  /**
   * Reads what is missing, page by page; the first time that is the snapshot. Answers how many rows came. It begins with
   * the last row that is known, unless it waits: a ledger that lacks it was restored from a copy, and may have grown since.
   */
  async function catchUp(waitSeconds = 0): Promise<number> {
    let after = waitSeconds > 0 ? place.sequence : place.beforeLast;
    for (let rows = 0; ; after = place.sequence) {
      const asked = monotonic();
      const page = await inTime(waitSeconds, (signal) => client.page(after, waitSeconds, signal));
      if (page.head < place.sequence || (after < place.sequence && !place.isIn(page.rows))) {
        place.forget();
        continue;
      }
      if (page.next <= place.sequence && page.head > place.sequence)
        throw new FeedMalformed('a page without progress');
      rows += applyNew(page.rows);
      place.moveTo(Math.max(page.next, place.sequence), undefined);
      if (place.sequence < page.head) continue;
      freshness.provenBy(asked);
      first.resolve();
      return rows;
    }
  }

  async function inTime<T>(waitSeconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const linked = link(life?.signal);
    const timer = setTimeout(
      () => linked.abort(new Error('no answer in time')),
      timing.timeout + waitSeconds * 1000,
    );
    try {
      return await work(linked.signal);
    } finally {
      clearTimeout(timer);
      linked.release();
    }
  }

  async function stream(): Promise<void> {
    const began = monotonic();
    const ends = began + timing.streamLife * (0.75 + random() / 2);
    const linked = link(life?.signal);
    const watchdog = createWatchdog(timing.silence, () => linked.abort(new Error('the stream is silent')));
    let heads = 0;
    freshness.streamBegan(began);
    try {
      for await (const event of client.stream(place.sequence, linked.signal)) {
        watchdog.feed();
        if (event.type === 'rows') applyNew(event.rows);
        if (event.type === 'reset') place.forget();
        if (event.type === 'head') {
          heads += 1;
          change('streaming');
          if (await isComplete(event.head)) freshness.provenAt(event.at);
        }
        // One that is held back, or proves nothing, is no better than a silent one; and none is good for ever.
        if (freshness.age() > timing.lag || monotonic() > ends) return;
      }
      throw new FeedUnavailable('the stream ended');
    } finally {
      watchdog.stop();
      linked.abort(undefined);
      linked.release();
      afterStream(heads, monotonic() - began);
    }
  }

  function afterStream(heads: number, lived: number): void {
    if (isOver()) return;
    emptyStreams = heads > 0 ? 0 : emptyStreams + 1;
    if (heads > 0 && lived > timing.lag) attempts = 0;
    if (emptyStreams < STREAMS_TO_GIVE_UP) return;
    const doubled = timing.pollFirst * 2 ** Math.min(emptyStreams - STREAMS_TO_GIVE_UP, 20);
    pollUntil = monotonic() + Math.min(timing.pollLongest, doubled);
  }

  /** Rows that are known already come again when two ways overlap. Answers how many did not. */
  function applyNew(rows: readonly FeedRow[]): number {
    const fresh = rows.filter(([seq]) => seq > place.sequence);
    ledger.apply(fresh);
    const last = fresh.at(-1);
    if (last) place.moveTo(last[0], last);
    return fresh.length;
  }

  /** Whether everything up to the head is known; what the stream left out is asked for. */
  async function isComplete(head: number): Promise<boolean> {
    if (head > place.sequence) await catchUp();
    // An older head comes from another server that has not looked lately: it proves nothing.
    return head >= place.sequence;
  }

  async function poll(): Promise<void> {
    change('polling', 'streams do not get through');
    while (monotonic() < pollUntil && !isOver()) {
      const began = monotonic();
      const rows = await catchUp(POLL_WAIT);
      attempts = 0;
      const rest = timing.pollInterval - (monotonic() - began);
      if (rows === 0 && rest > 0) await sleep(rest, life?.signal);
    }
  }

  function pauseAfter(error: unknown): number {
    attempts += 1;
    const pause = backoff(timing, attempts - 1, random);
    if (!(error instanceof FeedUnavailable)) return pause;
    if (error.status === 401 || error.status === 403) return timing.refused * (0.5 + random() / 2);
    return Math.max(pause, Math.min(error.retryAfterSeconds * 1000, timing.refused));
  }

  function change(next: FeedState, reason?: string): void {
    if (state === 'closed' || state === next) return;
    state = next;
    tell(parts.onChange, { state, reason });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof FeedUnavailable || error instanceof FeedMalformed) return error.message;
  return 'the server cannot be reached';
}

function createWatchdog(milliseconds: number, bite: () => void) {
  let timer = setTimeout(bite, milliseconds);
  return {
    feed() {
      clearTimeout(timer);
      timer = setTimeout(bite, milliseconds);
    },
    stop: () => clearTimeout(timer),
  };
}

/** Promise.withResolvers, which Node 20 lacks. A rejection that nobody waits for is no failure. */
function deferred() {
  let settle: { resolve(): void; reject(reason: Error): void } | undefined;
  const promise = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  promise.catch(() => undefined);
  return {
    promise,
    resolve: () => settle?.resolve(),
    reject: (reason: Error) => settle?.reject(reason),
  };
}
