import type { Clock, Logger, PointsReserved, RateCounters, RateLimiter } from '../app/ports.ts';
import { type RatePolicy, type RateVerdict, verdictOf } from '../domain/rate-limit.ts';
import { createExhaustedKeys } from './exhausted-keys.ts';
import { createMemoryLimiter } from './memory-limiter.ts';
import { within } from './within.ts';
import { createWindowTable, type Window } from './window-table.ts';

export interface SharedLimiterParts {
  readonly clock: Clock;
  readonly counters: RateCounters;
  readonly log: Pick<Logger, 'warn'>;
  /** Keys of one policy that are remembered at most. */
  readonly capacity?: number;
  /** How long an answer of the counters is waited for, in milliseconds. */
  readonly patienceMs?: number;
}

/** What this node holds of a key's window. */
interface Share extends Window {
  /** The limit that it was asked for: another one asks anew. */
  readonly limit: number;
  /** Points that are reserved for this node and not spent. */
  balance: number;
  /** Points of the window that nobody had reserved when this node last asked. */
  unreserved: number;
  /** Until when nothing is left, as far as is known; 0 = there may be some. */
  emptyUntil: number;
  /** Requests that wait for a point. */
  waiting: number;
  asking: Promise<void> | undefined;
}

const PATIENCE_MS = 2000;
/** After the counters failed, this node counts alone for so long before it asks again. */
const ALONE_MS = 1000;
/** How soon a forgiving policy is asked again whether something is left. */
const FORGIVEN_WITHIN_MS = 250;

/** About one percent, so that a busy key costs a query per hundredth of its limit; small limits are counted one by one. */
function blockOf({ limit }: RatePolicy): number {
  return Math.max(1, Math.floor(limit / 100));
}

/**
 * Counts together with other nodes. A node reserves points in blocks and spends them without asking; what it does not
 * spend before the window ends is lost. INVARIANT: all nodes together never spend more than the limit in one window,
 * while the counters answer. While they do not, each node counts alone.
 */
export function createSharedLimiter(parts: SharedLimiterParts): RateLimiter {
  const { clock, counters, log, capacity, patienceMs = PATIENCE_MS } = parts;
  const shares = createWindowTable<Share>(capacity);
  const own = createMemoryLimiter(clock, capacity);
  let aloneUntil = -Infinity;

  const isAlone = (): boolean => performance.now() < aloneUntil;
  const goAlone = (error: unknown): void => {
    if (!isAlone()) log.warn('rate limits are counted by this node alone', { error: String(error) });
    aloneUntil = performance.now() + ALONE_MS;
  };
  const exhausted = createExhaustedKeys({ clock, counters, patienceMs, failed: goAlone });

  const shareOf = (policy: RatePolicy, key: string, now: number): Share => {
    const known = shares.get(policy.name, key, now);
    if (known?.limit === policy.limit) return known;
    const share: Share = {
      limit: policy.limit,
      balance: 0,
      unreserved: policy.limit,
      emptyUntil: 0,
      waiting: 0,
      asking: undefined,
      endsAt: now + policy.windowSeconds * 1000,
    };
    shares.set(policy.name, key, share, now);
    return share;
  };

  async function reserve(policy: RatePolicy, key: string, share: Share): Promise<void> {
    const points = () => Math.max(blockOf(policy), share.waiting);
    // Before the question leaves: the window seems to end a little early here, never late.
    const asked = clock.now();
    const got = await within(patienceMs, counters.reserve({ policy, key, points }));
    keep(policy, share, got, asked);
  }

  /** What is known already: a point of the balance, or that nothing is left. */
  const atOnce = (policy: RatePolicy, share: Share, now: number): RateVerdict | undefined => {
    if (share.endsAt <= now) return undefined;
    if (share.balance > 0) {
      share.balance -= 1;
      return verdictOf(policy, true, share.unreserved + share.balance, share.endsAt - now);
    }
    return share.emptyUntil > now ? verdictOf(policy, false, 0, share.endsAt - now) : undefined;
  };

  async function wait(policy: RatePolicy, key: string): Promise<RateVerdict> {
    // Two rounds: a question that is under way was perhaps asked before this request came.
    for (let round = 0; round < 3; round += 1) {
      if (isAlone()) return own.take(policy, key);
      const share = shareOf(policy, key, clock.now());
      const known = atOnce(policy, share, clock.now());
      if (known) return known;
      share.waiting += 1;
      share.asking ??= reserve(policy, key, share).finally(() => {
        share.asking = undefined;
      });
      try {
        await share.asking;
      } catch (error) {
        goAlone(error);
        return own.take(policy, key);
      } finally {
        share.waiting -= 1;
      }
      const served = atOnce(policy, share, clock.now());
      if (served) return served;
    }
    // Windows shorter than the way to the database: nothing is known, so nothing is given.
    return verdictOf(policy, false, 0, 1000);
  }

  return {
    take(policy, key) {
      const now = clock.now();
      const share = shares.get(policy.name, key, now);
      const known = share?.limit === policy.limit ? atOnce(policy, share, now) : undefined;
      return known ?? wait(policy, key);
    },
    look(policy, key) {
      if (isAlone()) return own.look(policy, key);
      const now = clock.now();
      const share = shares.get(policy.name, key, now);
      if (share && share.balance === 0 && share.emptyUntil > now) {
        return verdictOf(policy, false, 0, share.endsAt - now);
      }
      const judge = (emptyUntil: number | undefined): RateVerdict => {
        if (emptyUntil !== undefined) return verdictOf(policy, false, 0, emptyUntil - now);
        if (!share) return verdictOf(policy, true, policy.limit, policy.windowSeconds * 1000);
        return verdictOf(policy, true, share.unreserved + share.balance, share.endsAt - now);
      };
      const emptyUntil = exhausted.find(policy.name, key);
      return emptyUntil instanceof Promise ? emptyUntil.then(judge) : judge(emptyUntil);
    },
    async giveBack(policy, key) {
      shares.delete(policy.name, key);
      await own.giveBack(policy, key);
      if (!isAlone()) await within(patienceMs, counters.giveBack(policy.name, key)).catch(goAlone);
    },
    async forget(policy, key) {
      shares.delete(policy.name, key);
      await own.forget(policy, key);
      if (!isAlone()) await within(patienceMs, counters.forget(policy.name, key)).catch(goAlone);
    },
  };

  function keep(policy: RatePolicy, share: Share, got: PointsReserved, asked: number): void {
    share.endsAt = asked + got.leftMs;
    share.balance = got.granted;
    share.unreserved = Math.max(0, policy.limit - got.used);
    const again = policy.forgiving ? clock.now() + FORGIVEN_WITHIN_MS : share.endsAt;
    share.emptyUntil = share.unreserved === 0 ? Math.min(again, share.endsAt) : 0;
  }
}
