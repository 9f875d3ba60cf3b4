/** Networks between a client and a server that both are real. */
export interface WatchedNetwork {
  readonly fetch: typeof globalThis.fetch;
  /** What went over it, in order. */
  readonly requests: readonly SentRequest[];
}

export interface SentRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly form: URLSearchParams;
}

/** What happens to a request: it passes, its answer gets lost after the server acted, or it never arrives. */
export type Fate = 'pass' | 'lose answer' | 'drop' | Response;

export function watch(fateOf: (request: SentRequest, count: number) => Fate = () => 'pass'): WatchedNetwork {
  const requests: SentRequest[] = [];
  const fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const { method = 'GET', headers, body } = init;
    const form = body instanceof URLSearchParams ? body : new URLSearchParams();
    const url = new URL(input instanceof Request ? input.url : input);
    const request = { method, url, headers: new Headers(headers), form };
    requests.push(request);
    const fate = fateOf(request, requests.length);
    if (fate instanceof Response) return fate;
    if (fate === 'drop') throw new TypeError('fetch failed');
    const response = await globalThis.fetch(input, init);
    if (fate === 'pass') return response;
    await response.arrayBuffer();
    throw new TypeError('terminated');
  };
  return { fetch, requests };
}

/** The first request to a path meets this fate, all others pass. */
export function first(path: string, fate: Fate): (request: SentRequest) => Fate {
  let met = false;
  return ({ url }) => {
    if (met || !url.pathname.endsWith(path)) return 'pass';
    met = true;
    return fate;
  };
}

/** A clock whose waits take no time, and that can be moved. */
export function skippingClock() {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    sleep: async () => undefined,
    advance(seconds: number) {
      ahead += seconds * 1000;
    },
  };
}
