import { basicAuthorization, type CredentialsSource } from './credentials.ts';
import { readEvents } from './event-stream.ts';
import { type FeedEvent, FeedMalformed, type FeedPage, readHead, readPage, readRows } from './feed-wire.ts';

/** The server's revocation feed, request by request. */
export interface FeedClient {
  /** One page of what came after a sequence number; waits so many seconds for something new. @throws FeedUnavailable */
  page(after: number, waitSeconds: number, signal: AbortSignal): Promise<FeedPage>;
  /** Follows from a sequence number on, until the connection ends. @throws FeedUnavailable, FeedMalformed */
  stream(after: number, signal: AbortSignal): AsyncGenerator<FeedEvent>;
}

/** The feed answered something else, or nothing. */
export class FeedUnavailable extends Error {
  override readonly name = 'FeedUnavailable';
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  readonly retryAfterSeconds: number;

  constructor(message: string, status?: number, retryAfterSeconds = 0) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface FeedClientParts {
  /** `…/api/revocations` */
  readonly url: string;
  readonly credentials: CredentialsSource;
  readonly fetch: typeof globalThis.fetch;
}

const PAGE_ROWS = 1000;

export function createFeedClient(parts: FeedClientParts): FeedClient {
  return {
    async page(after, waitSeconds, signal) {
      const query = new URLSearchParams({ after: String(after), limit: String(PAGE_ROWS) });
      if (waitSeconds > 0) query.set('wait', String(waitSeconds));
      const response = await get(parts, `${parts.url}?${query.toString()}`, 'application/json', {}, signal);
      const body: unknown = await response.json().catch(() => {
        throw new FeedUnavailable('the feed was cut off');
      });
      return readPage(body, after);
    },

    async *stream(after, signal) {
      const resume = { 'last-event-id': String(after) };
      const response = await get(parts, `${parts.url}/stream`, 'text/event-stream', resume, signal);
      if (!response.body) throw new FeedUnavailable('the feed has no stream', response.status);
      for await (const { event, data } of readEvents(response.body)) {
        if (event === 'revocations') yield { type: 'rows', rows: readRows(parsed(data)) };
        if (event === 'reset') yield { type: 'reset' };
        if (event === 'head') yield { type: 'head', ...readHead(parsed(data)) };
      }
    },
  };
}

async function get(
  { credentials, fetch }: FeedClientParts,
  url: string,
  accept: string,
  further: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const authorization = await basicAuthorization(credentials, signal).catch(() => {
    throw new FeedUnavailable('the credentials cannot be had');
  });
  const response = await fetch(url, {
    // A copy that something on the way has kept would say that nothing was revoked.
    headers: { authorization, accept, 'cache-control': 'no-cache', ...further },
    redirect: 'manual',
    signal,
  });
  const type = response.headers.get('content-type') ?? '';
  if (response.status === 200 && type.startsWith(accept)) return response;
  response.body?.cancel().catch(() => undefined);
  const wait = Number(response.headers.get('retry-after') ?? 0);
  const what = response.status === 200 ? 'with something else' : String(response.status);
  throw new FeedUnavailable(`the feed answered ${what}`, response.status, Number.isFinite(wait) ? wait : 0);
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw new FeedMalformed('not JSON');
  }
}
