import { sha256 } from '../shared/encoding.ts';
import type { Replays } from '../resource/replays.ts';
import type { AuthorizedKeys } from './authorized-keys.ts';
import { CLOCK_SKEW, LONGEST_LIFETIME } from './coverage.ts';
import { RequestRefused } from './refused.ts';
import type { BoundKey } from './request-keys.ts';

/** What a receiver of signed requests knows of itself and of its callers. */
export interface ReceiverOptions {
  /**
   * Where callers reach this service: origin, and the path that stands before every path it sees. Never taken from the
   * request, or a request to another service would be accepted here.
   */
  readonly publicUrl: string;
  readonly keys: AuthorizedKeys;
  /** Where used requests are kept: `replaysInMemory()`, `replaysOnKnex(knex)`, or your own. */
  readonly replays: Replays;
  /** Refuses requests without a task token. Default false. */
  readonly requireTaskToken?: boolean | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Seconds since the epoch: when a request was made and until when it may be used. */
export interface Lifetime {
  readonly from: unknown;
  readonly until: unknown;
}

/**
 * A life with a beginning that is over and an end that is not, and not longer than is accepted.
 * @returns both ends, in seconds
 * @throws RequestRefused `lifetime_invalid`, `from_the_future`, `expired`
 */
export function checkLifetime({ from, until }: Lifetime, now: () => number): { from: number; until: number } {
  if (!isTime(from) || !isTime(until) || until <= from || until - from > LONGEST_LIFETIME) {
    throw new RequestRefused('lifetime_invalid');
  }
  const moment = now() / 1000;
  if (from > moment + CLOCK_SKEW) throw new RequestRefused('from_the_future');
  requireUnexpired(until, now);
  return { from, until };
}

function requireUnexpired(until: number, now: () => number): void {
  if (until + CLOCK_SKEW <= now() / 1000) throw new RequestRefused('expired');
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

/** @throws RequestRefused `key_unknown`, or `unavailable` when the keys cannot be had */
export async function keysFor(
  { keys }: Pick<ReceiverOptions, 'keys'>,
  issuer: string,
  keyId: string | undefined,
): Promise<readonly BoundKey[]> {
  let found: readonly BoundKey[];
  try {
    found = await keys.find(issuer, keyId);
  } catch (cause) {
    throw new RequestRefused('unavailable', cause);
  }
  if (found.length === 0) throw new RequestRefused('key_unknown');
  return found;
}

/** A request that has passed every check but this one. */
export interface Spending {
  readonly profile: 'signature' | 'token';
  readonly issuer: string;
  readonly id: string;
  /** Seconds since the epoch. */
  readonly until: number;
}

/**
 * Uses the request up. INVARIANT: called last of all, so that a request that somebody tampered with never uses up the
 * genuine one. The life is looked at once more: what is used up after its end would be forgotten at once, and a body may
 * have taken its time. The name is made of the issuer and its id, so that no issuer can use up another's.
 * @throws RequestRefused `expired`, `replayed`, or `unavailable` when the store cannot be asked
 */
export async function spendOnce(
  { replays, now = Date.now }: Pick<ReceiverOptions, 'replays' | 'now'>,
  { profile, issuer, id, until }: Spending,
): Promise<void> {
  requireUnexpired(until, now);
  let fresh: boolean;
  try {
    // As long as it could be accepted, so until the skew of clocks is over too.
    const key = `${await sha256(`${profile} ${issuer}`)}.${await sha256(id)}`;
    fresh = await replays.spend(key, (until + CLOCK_SKEW) * 1000 + 1000);
  } catch (cause) {
    throw new RequestRefused('unavailable', cause);
  }
  if (!fresh) throw new RequestRefused('replayed');
}
