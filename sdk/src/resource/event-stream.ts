/** One event of a stream of server-sent events (WHATWG HTML §9.2). */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Characters of one event; more is no feed of ours. */
const LONGEST_EVENT = 16 * 1024 * 1024;

/**
 * Reads events as they come. Comments, ids and fields that are not known are passed over; an event that is cut off by
 * the end of the stream is none.
 * @throws Error when an event grows without end.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = createParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Ends the connection when the reader of the events goes before the stream does.
    await reader.cancel().catch(() => undefined);
  }
}

function createParser(): (text: string) => ServerSentEvent[] {
  let rest = '';
  let event = '';
  let data: string[] = [];
  let size = 0;

  const field = (name: string, value: string) => {
    if (name === 'event') event = value;
    if (name !== 'data') return;
    data.push(value);
    size += value.length;
  };

  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const complete: ServerSentEvent[] = [];
    for (const ended of lines) {
      const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended;
      if (line === '') {
        if (data.length > 0) complete.push({ event: event || 'message', data: data.join('\n') });
        [event, data, size] = ['', [], 0];
        continue;
      }
      const [, name = line, value = ''] = /^([^:]*):\u0020?([^]*)$/.exec(line) ?? [];
      field(name, value);
    }
    if (rest.length + size > LONGEST_EVENT) throw new Error('an event of the stream is too long');
    return complete;
  };
}
