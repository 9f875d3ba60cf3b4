import type { Clock, Logger } from '../app/ports.ts';
import type { RateCounters, RateLimiter } from '../app/ports/rate-limits.ts';
import { type RatePolicy, type RateVerdict, verdictOf } from '../domain/rate-limit.ts';
import { createExhaustedKeys, type ExhaustedKeys } from './exhausted-keys.ts';
import { createMemoryLimiter, type MemoryLimiter } from './memory-limiter.ts';
import { Share } from './share.ts';
import { within } from './within.ts';
import { createWindowTable, type WindowTable } from './window-table.ts';

export interface SharedLimiterParts {
  readonly clock: Clock;
  readonly counters: RateCounters;
  readonly log: Pick<Logger, 'warn'>;
  /** Keys of one policy that are remembered at most. */
  readonly capacity?: number;
  /** How long an answer of the counters is waited for, in milliseconds. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 2000;
/** After the counters failed, this node counts alone for so long before it asks again. */
const ALONE_MS = 1000;
/** A question that is under way was perhaps asked before a request came, and once more the window may end meanwhile. */
const ROUNDS = 3;

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
  return new SharedLimiter(parts);
}

class SharedLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly #counters: RateCounters;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #patienceMs: number;
  readonly #shares: WindowTable<Share>;
  readonly #exhausted: ExhaustedKeys;
  readonly #own: MemoryLimiter;
  #aloneUntil = -Infinity;

  constructor({ clock, counters, log, capacity, patienceMs = PATIENCE_MS }: SharedLimiterParts) {
    this.#clock = clock;
    this.#counters = counters;
    this.#log = log;
    this.#patienceMs = patienceMs;
    this.#shares = createWindowTable(capacity);
    this.#own = createMemoryLimiter(clock, capacity);
    const failed = (error: unknown) => this.#goAlone(error);
    this.#exhausted = createExhaustedKeys({ clock, counters, patienceMs, failed });
  }

  take(policy: RatePolicy, key: string): RateVerdict | Promise<RateVerdict> {
    const now = this.#clock.now();
    const share = this.#shares.get(policy.name, key, now);
    return (share?.serves(policy) && share.spend(now)) || this.#ask(policy, key);
  }

  look(policy: RatePolicy, key: string): RateVerdict | Promise<RateVerdict> {
    if (this.#isAlone()) return this.#own.look(policy, key);
    const now = this.#clock.now();
    const share = this.#shares.get(policy.name, key, now);
    if (share?.isEmpty(now)) return share.look(now);
    const judge = (emptyUntil: number | undefined): RateVerdict => {
      if (emptyUntil !== undefined) return verdictOf(policy, false, 0, emptyUntil - now);
      return share?.look(now) ?? verdictOf(policy, true, policy.limit, policy.windowSeconds * 1000);
    };
    const emptyUntil = this.#exhausted.find(policy, key);
    return emptyUntil instanceof Promise ? emptyUntil.then(judge) : judge(emptyUntil);
  }

  async giveBack(policy: RatePolicy, key: string): Promise<void> {
    this.#shares.delete(policy.name, key);
    await this.#own.giveBack(policy, key);
    await this.#tell(() => this.#counters.giveBack(policy.name, key));
  }

  async forget(policy: RatePolicy, key: string): Promise<void> {
    this.#shares.delete(policy.name, key);
    await this.#own.forget(policy, key);
    await this.#tell(() => this.#counters.forget(policy.name, key));
  }

  async #ask(policy: RatePolicy, key: string): Promise<RateVerdict> {
    for (let round = 0; round < ROUNDS && !this.#isAlone(); round += 1) {
      const share = this.#shareOf(policy, key);
      const known = share.spend(this.#clock.now()) ?? (await this.#waitFor(policy, key, share));
      if (known) return known;
    }
    if (this.#isAlone()) return this.#own.take(policy, key);
    // Windows shorter than the way to the database: nothing is known, so nothing is given.
    return verdictOf(policy, false, 0, 1000);
  }

  async #waitFor(policy: RatePolicy, key: string, share: Share): Promise<RateVerdict | undefined> {
    share.waiting += 1;
    share.asking ??= this.#reserve(policy, key, share).finally(() => {
      share.asking = undefined;
    });
    try {
      await share.asking;
      return share.spend(this.#clock.now());
    } catch (error) {
      this.#goAlone(error);
      return undefined;
    } finally {
      share.waiting -= 1;
    }
  }

  async #reserve(policy: RatePolicy, key: string, share: Share): Promise<void> {
    const points = () => Math.max(blockOf(policy), share.waiting);
    const asked = this.#clock.now();
    const got = await within(this.#patienceMs, this.#counters.reserve({ policy, key, points }));
    share.keep(got, asked, this.#clock.now());
  }

  #shareOf(policy: RatePolicy, key: string): Share {
    const now = this.#clock.now();
    const known = this.#shares.get(policy.name, key, now);
    if (known?.serves(policy)) return known;
    const share = new Share(policy, now);
    this.#shares.set(policy.name, key, share, now);
    return share;
  }

  async #tell(change: () => Promise<void>): Promise<void> {
    if (this.#isAlone()) return;
    try {
      await within(this.#patienceMs, change());
    } catch (error) {
      this.#goAlone(error);
    }
  }

  #isAlone(): boolean {
    return performance.now() < this.#aloneUntil;
  }

  #goAlone(error: unknown): void {
    if (!this.#isAlone()) {
      this.#log.warn('rate limits are counted by this node alone', { error: String(error) });
    }
    this.#aloneUntil = performance.now() + ALONE_MS;
  }
}
