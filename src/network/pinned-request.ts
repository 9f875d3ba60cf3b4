import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';

export interface PinnedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** They were checked: nobody is asked again where the name leads. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
}

const MOST_HEADER_BYTES = 16_384;
/** RFC 9110 §15.2: nobody needs more than a few. Each may be as long as any head, and they have no end by themselves. */
const MOST_INTERIM_ANSWERS = 16;

/**
 * One request to a server that anybody may have named. Redirects are an answer like any other; no proxy, no cookies, no
 * compression, no connection is kept. INVARIANT: only the given addresses are connected to.
 * @throws an Error with a `code` where there is one, or the signal's.
 */
export function pinnedRequest(url: URL, asked: PinnedRequest): Promise<IncomingMessage> {
  const { method, headers, body, addresses, signal } = asked;
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  const options = {
    method,
    headers: { ...headers, ...lengthOf(body), 'Accept-Encoding': 'identity' },
    // One of its own: the global one may have a proxy, and keeps connections.
    agent: new Agent({ keepAlive: false }),
    lookup: pinned(addresses),
    maxHeaderSize: MOST_HEADER_BYTES,
    signal,
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, options, resolve);
    let interim = 0;
    sent.on('information', () => {
      interim += 1;
      if (interim > MOST_INTERIM_ANSWERS) sent.destroy(new InterimAnswers());
    });
    sent.on('error', reject);
    // After status 101 nothing else comes, and the signal has no effect any more.
    sent.on('close', () => reject(new Error('closed without an answer')));
    sent.end(body);
  });
}

function lengthOf(body: string | Buffer): Record<string, number> {
  return body.length === 0 ? {} : { 'Content-Length': Buffer.byteLength(body) };
}

class InterimAnswers extends Error {
  readonly code = 'too many interim answers';
}

/** Answers what was resolved and checked before, whatever the name is or would resolve to now. */
function pinned(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, { all }, callback) => {
    const [first] = entries;
    if (all) callback(null, entries);
    else callback(null, first?.address ?? '', first?.family ?? 0);
  };
}
