import { networkOf } from '../domain/source-network.ts';
import { currentRequestState } from './request-state.ts';

/** As the global fetch. `party`: who makes the server fetch; nobody known when absent. */
export type FetchForParty = (
  url: string | URL | Request,
  init?: RequestInit,
  party?: string,
) => Promise<Response>;

/** A fetch that says from which network it was asked for: strangers who keep it busy keep one another waiting. */
export function fetchForAsker(fetch: FetchForParty): typeof globalThis.fetch {
  return (url, init) => {
    const address = currentRequestState()?.origin.sourceIp;
    return fetch(url, init, address === undefined ? undefined : networkOf(address));
  };
}
