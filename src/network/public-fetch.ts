import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { NameLookups } from './name-lookups.ts';
import { pinnedRequest } from './pinned-request.ts';
import { type AddressRule, isPublicAddress } from './public-address.ts';

/**
 * A fetch that speaks to public addresses only (S20: no client makes this server reach into its own network, nor learn
 * from the time it takes). The name is looked up once, and the connection goes to an address that was checked: a name
 * that leads elsewhere the second time gains nothing. Redirects are not followed: nobody has looked at where they lead.
 * `party`: who makes it fetch.
 */
export function publicFetch(
  lookups: NameLookups,
  allows: AddressRule = isPublicAddress,
): (input: string | URL | Request, init?: RequestInit, party?: string) => Promise<Response> {
  return async (input, init, party) => {
    const request = new Request(input, init);
    const { method, redirect } = request;
    // A request's own signal is forgotten together with the request, and the time limit with it, while the body is read.
    const signal = init?.signal ?? (input instanceof Request ? input : request).signal;
    const url = new URL(request.url);
    const addresses = await lookups.addressesOf(url.hostname, { party: party ?? url.hostname, signal });
    if (addresses.length === 0 || !addresses.every(allows)) {
      throw new Error('the host has no public address');
    }
    const body = Buffer.from(await request.arrayBuffer());
    const headers = Object.fromEntries([...request.headers].filter(([, value]) => value !== ''));
    const answer = await pinnedRequest(url, { method, headers, body, addresses, signal });
    const { statusCode: status = 502, statusMessage: statusText = '' } = answer;
    const redirects = status >= 300 && status < 400;
    if (status < 200 || status > 599) {
      answer.destroy();
      throw new Error(`answered ${status}`);
    }
    if (redirects && redirect !== 'manual') {
      answer.destroy();
      throw new Error('redirects are not followed');
    }
    return new Response(bodyOf(answer, status), {
      status,
      statusText,
      headers: fieldsOf(answer.headersDistinct),
    });
  };
}

/** Fetch §2.2.4: with these there is none. */
const WITHOUT_BODY = [204, 205, 304];

function bodyOf(answer: Readable, status: number): ReadableStream | null {
  if (!WITHOUT_BODY.includes(status)) return Readable.toWeb(answer);
  answer.resume();
  return null;
}

function fieldsOf(distinct: NodeJS.Dict<string[]>): [string, string][] {
  return Object.entries(distinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
}
