import type { Clock } from '../app/ports.ts';
import type { RateCounters } from '../app/ports/rate-limits.ts';
import type { RatePolicy } from '../domain/rate-limit.ts';
import { within } from './within.ts';

/** No answer is based on older news. */
const FRESH_MS = 250;
/** From here on news are fetched, while the older ones still serve: hardly any request waits. */
const AGEING_MS = 125;

export interface ExhaustedKeys {
  /** When the key's window ends (by the clock), if nothing is left in it; at once while the news are fresh. */
  find(policy: RatePolicy, key: string): number | undefined | Promise<number | undefined>;
}

/**
 * The keys that some node has exhausted, of every policy that is asked about: one query for all requests, and none
 * while no request comes. When the query fails, the last known ones stand.
 */
export function createExhaustedKeys(parts: {
  readonly clock: Clock;
  readonly counters: Pick<RateCounters, 'exhausted'>;
  readonly patienceMs: number;
  readonly failed: (error: unknown) => void;
}): ExhaustedKeys {
  const { clock, counters, patienceMs, failed } = parts;
  const policies = new Map<string, RatePolicy>();
  let known = new Map<string, number>();
  let asOf = -Infinity;
  let fetching: Promise<void> | undefined;

  async function fetch(): Promise<void> {
    const started = performance.now();
    const now = clock.now();
    try {
      const keys = await within(patienceMs, counters.exhausted([...policies.values()]));
      known = new Map(keys.map(({ policy, key, leftMs }) => [`${policy} ${key}`, now + leftMs]));
    } catch (error) {
      failed(error);
    }
    asOf = started;
  }

  const refresh = (): Promise<void> => {
    fetching ??= fetch().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };

  const endOf = ({ name }: RatePolicy, key: string): number | undefined => {
    if (known.size === 0) return undefined;
    const endsAt = known.get(`${name} ${key}`);
    return endsAt !== undefined && endsAt > clock.now() ? endsAt : undefined;
  };

  /** A policy that was never asked about is not in the news yet, nor in those under way. */
  async function watch(policy: RatePolicy): Promise<void> {
    await fetching;
    policies.set(policy.name, policy);
    await refresh();
  }

  return {
    find(policy, key) {
      if (!policies.has(policy.name)) return watch(policy).then(() => endOf(policy, key));
      const age = performance.now() - asOf;
      if (age >= FRESH_MS) return refresh().then(() => endOf(policy, key));
      if (age >= AGEING_MS) void refresh();
      return endOf(policy, key);
    },
  };
}
