import { addressesOf, isPublicAddress } from './public-address.ts';
import { untilAborted } from './until-aborted.ts';

type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * A fetch that speaks to public addresses only (S20: no client makes this server reach into its own network, nor learn
 * from the time it takes). The engine looks again at the address that it is connected to before it sends a request, so
 * a name that resolves differently the second time gains nothing. Redirects are not followed: nobody has looked at where
 * they lead.
 */
export function publicFetch(
  fetch: typeof globalThis.fetch = globalThis.fetch,
  resolve: Resolve = addressesOf,
): typeof globalThis.fetch {
  return async (input, init) => {
    const { hostname } = new URL(input instanceof Request ? input.url : input);
    const resolved = resolve(hostname.replace(/^\[|\]$/g, ''));
    const addresses = await (init?.signal ? untilAborted(init.signal, resolved) : resolved);
    if (addresses.length === 0 || !addresses.every(isPublicAddress)) {
      throw new Error('the host has no public address');
    }
    return fetch(input, { ...init, redirect: init?.redirect === 'manual' ? 'manual' : 'error' });
  };
}
