import { type Replays, replaysInMemory as oneStore } from '../resource/replays.ts';

/** How many used requests are remembered in this process. */
export interface MemoryReplayOptions {
  /** Requests of one issuer that may be in use at once. Default 50,000. */
  readonly mostPerIssuer?: number | undefined;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Keeps used requests in this process, for as long as they could be used again: a service with several processes, or
 * one that restarts within the life of a request, needs a store that outlives it. Each issuer has its own bound, so that
 * one that floods shuts out itself alone.
 */
export function requestReplaysInMemory({ mostPerIssuer = 50_000, now }: MemoryReplayOptions = {}): Replays {
  const perIssuer = new Map<string, Replays>();
  const options = { most: mostPerIssuer, ...(now ? { now } : {}) };
  return {
    spend(key, expiresAt) {
      // Only issuers with authorized keys come so far, so there are as many of these as there are of those.
      const [issuer = ''] = key.split('.', 1);
      let store = perIssuer.get(issuer);
      if (!store) perIssuer.set(issuer, (store = oneStore(options)));
      return store.spend(key, expiresAt);
    },
  };
}
