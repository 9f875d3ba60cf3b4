import type { PointsReserved } from '../app/ports/rate-limits.ts';
import { type RatePolicy, type RateVerdict, verdictOf } from '../domain/rate-limit.ts';
import type { Window } from './window-table.ts';

/** How soon a forgiving policy is asked again whether something is left. */
const FORGIVEN_WITHIN_MS = 250;

/** What this node holds of one key's window. Times are milliseconds of the limiter's clock. */
export class Share implements Window {
  readonly #policy: RatePolicy;
  readonly beganAt: number;
  endsAt: number;
  /** Requests that wait for a point. */
  waiting = 0;
  /** The question that is under way. */
  asking: Promise<void> | undefined;
  /** Points that are reserved for this node and not spent. */
  #balance = 0;
  /** Points of the window that nobody had reserved when this node last asked. */
  #unreserved: number;
  /** Until when nothing is left, as far as is known; 0 = there may be some. */
  #emptyUntil = 0;

  constructor(policy: RatePolicy, now: number) {
    this.#policy = policy;
    this.#unreserved = policy.limit;
    this.beganAt = now;
    this.endsAt = now + policy.windowSeconds * 1000;
  }

  /** What is asked for under another limit, after a change of tier, has another share. */
  serves(policy: RatePolicy): boolean {
    return this.#policy.limit === policy.limit;
  }

  /** A point of the balance, or that nothing is left; undefined when only the counters know. */
  spend(now: number): RateVerdict | undefined {
    if (this.endsAt <= now) return undefined;
    if (this.#balance === 0) return this.isEmpty(now) ? this.#verdict(false, now) : undefined;
    this.#balance -= 1;
    return this.#verdict(true, now);
  }

  isEmpty(now: number): boolean {
    return this.#balance === 0 && this.#emptyUntil > now;
  }

  /** What would be said of a request, as far as is known here. */
  look(now: number): RateVerdict {
    return this.#verdict(!this.isEmpty(now), now);
  }

  /**
   * What the counters gave. `asked` is before the question left: the window seems to end a little early here, never
   * late, so that no point of it is spent in the next one.
   */
  keep({ granted, used, leftMs }: PointsReserved, asked: number, now: number): void {
    const { limit, forgiving } = this.#policy;
    this.endsAt = asked + leftMs;
    this.#balance = granted;
    this.#unreserved = Math.max(0, limit - used);
    const again = forgiving ? Math.min(now + FORGIVEN_WITHIN_MS, this.endsAt) : this.endsAt;
    this.#emptyUntil = this.#unreserved === 0 ? again : 0;
  }

  #verdict(allowed: boolean, now: number): RateVerdict {
    const left = allowed ? this.#unreserved + this.#balance : 0;
    return verdictOf(this.#policy, allowed, left, this.endsAt - now);
  }
}
