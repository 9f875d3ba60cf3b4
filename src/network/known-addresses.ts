import { createLatest } from '../domain/latest.ts';
import { type NameLookups, TooManyNames } from './name-lookups.ts';

/** How long a name is waited for whose addresses are known. */
const PATIENCE_MS = 500;
const KNOWN_FOR_MS = 3_600_000;
const MOST_KNOWN = 1_000;

/**
 * Where looking up a name takes long, its addresses of the last hour are answered (RFC 8767 does so, too): a resolver that
 * is kept busy with names of others delays nothing that is known. Whoever asks checks the addresses anew each time.
 */
export function withKnownAddresses(
  lookups: NameLookups,
  now: () => number = () => performance.now(),
): NameLookups {
  const known = createLatest<{ readonly addresses: readonly string[]; readonly at: number }>(MOST_KNOWN);
  const learn = (host: string, addresses: readonly string[]) => {
    known.set(host, { addresses, at: now() });
    return addresses;
  };
  return {
    async addressesOf(host, asker) {
      const asked = lookups.addressesOf(host, asker).then((addresses) => learn(host, addresses));
      const last = known.get(host);
      if (!last || now() - last.at > KNOWN_FOR_MS) return asked;
      let patience: NodeJS.Timeout | undefined;
      const enough = new Promise<readonly string[]>((resolve) => {
        patience = setTimeout(() => resolve(last.addresses), PATIENCE_MS);
      });
      const first = asked.catch((error: unknown) => {
        if (error instanceof TooManyNames) return last.addresses;
        throw error;
      });
      // Whatever comes of it later: nobody waits for it any more.
      first.catch(() => undefined);
      return Promise.race([first, enough]).finally(() => clearTimeout(patience));
    },
  };
}
