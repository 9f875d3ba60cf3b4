import { Readable } from 'node:stream';

/** One message of a stream of server-sent events (WHATWG HTML §9.2). */
export interface ServerSentEvent {
  /** Where a client goes on that has seen it. */
  readonly id?: number;
  readonly event: string;
  /** JSON, in one line. */
  readonly data: string;
}

/** How soon a client connects again. */
const RETRY_MS = 1000;
/** A client that takes nothing for so long is cut; it goes on where it was. */
const STALLED_MS = 15_000;
/** What is held for a slow client, besides what the socket holds. */
const MOST_HELD = 16 * 1024;

/**
 * The events as text, no faster than the client takes them: nothing is asked of `events` meanwhile, so a slow client
 * costs no memory.
 */
export function eventStream(
  events: AsyncIterable<ServerSentEvent>,
  stalledMs: number = STALLED_MS,
): Readable {
  const stream = Readable.from(texts(), { objectMode: false, highWaterMark: MOST_HELD });
  return stream;

  async function* texts(): AsyncGenerator<string> {
    yield `retry: ${RETRY_MS}\n\n`;
    for await (const event of events) {
      const stalled = setTimeout(() => stream.destroy(), stalledMs);
      try {
        yield textOf(event);
      } finally {
        clearTimeout(stalled);
      }
    }
  }
}

function textOf({ id, event, data }: ServerSentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
