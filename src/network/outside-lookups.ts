import { withKnownAddresses } from './known-addresses.ts';
import { createNameLookups, type NameLookups } from './name-lookups.ts';

// Of twelve threads (thread-pool.js) libuv gives six to looking up names. One of them stays free for those that the server
// itself needs: its database, its decision points.

/** Names in the URLs of webhooks. */
export function webhookLookups(): NameLookups {
  return withKnownAddresses(createNameLookups({ atOnce: 3, ofSuspects: 1 }));
}

/** Names in the URLs of clients' metadata documents and keys, which strangers may send. */
export function documentLookups(): NameLookups {
  return withKnownAddresses(createNameLookups({ atOnce: 2, ofSuspects: 1 }));
}
