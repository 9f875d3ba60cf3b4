import { setTimeout } from 'node:timers/promises';
import type { RunningServer } from './server.ts';

/** `[seq, kind, handle, epoch]`. */
export type FeedRow = readonly [number, string, string, number];

export interface FeedMessage {
  readonly event: string;
  readonly id: number | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is expected of it is stated by each assertion
  readonly data: any;
  /** performance.now() when it came. */
  readonly at: number;
}

/** One connection to the stream of revocations, read by the rules of server-sent events. */
export interface FeedFollower {
  readonly status: number;
  readonly headers: Headers;
  /** What came, in its order. */
  readonly messages: readonly FeedMessage[];
  rows(): readonly FeedRow[];
  heads(): readonly { readonly head: number; readonly at: number }[];
  /** The id to go on after. */
  lastId(): number;
  /** Waits for what is looked for. @throws Error when it does not come in time. */
  until<T>(find: (follower: FeedFollower) => T | undefined, withinMs?: number): Promise<T>;
  /** When the connection has ended: by the server's will (`end`), or cut. */
  readonly over: Promise<'end' | 'cut'>;
  close(): Promise<void>;
}

export async function followFeed(
  server: Pick<RunningServer, 'address'>,
  headers: Record<string, string>,
  query = '',
): Promise<FeedFollower> {
  const leaving = new AbortController();
  const url = `${server.address}/api/revocations/stream${query}`;
  const response = await fetch(url, { headers, signal: leaving.signal });
  const messages: FeedMessage[] = [];
  const over = response.status === 200 ? read(response, messages) : Promise.resolve('end' as const);
  const follower: FeedFollower = {
    status: response.status,
    headers: response.headers,
    messages,
    rows: () =>
      messages.filter(({ event }) => event === 'revocations').flatMap(({ data }) => data as FeedRow[]),
    heads: () => messages.filter(({ event }) => event === 'head').map(({ data }) => data),
    lastId: () => messages.findLast(({ id }) => id !== undefined)?.id ?? 0,
    async until(find, withinMs = 5000) {
      for (const late = performance.now() + withinMs; ; await setTimeout(5)) {
        const found = find(follower);
        if (found !== undefined) return found;
        if (performance.now() > late) throw new Error(`did not come: ${JSON.stringify(messages.slice(-5))}`);
      }
    },
    over,
    async close() {
      leaving.abort();
      await over;
    },
  };
  return follower;
}

/** Until everything that was revoked so far has come. */
export function caughtUp(follower: FeedFollower): true | undefined {
  return follower.messages.some(({ event }) => event === 'head') ? true : undefined;
}

/** Until the row for a handle has come. */
export function rowFor(handle: string): (follower: FeedFollower) => FeedRow | undefined {
  return (follower) => follower.rows().find(([, , one]) => one === handle);
}

async function read(response: Response, messages: FeedMessage[]): Promise<'end' | 'cut'> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const message = messageOf(part);
        if (message) messages.push(message);
      }
    }
    return 'end';
  } catch {
    return 'cut';
  }
}

/** WHATWG HTML §9.2.6. */
function messageOf(block: string): FeedMessage | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')] as const;
    }),
  );
  const event = fields.get('event');
  if (event === undefined) return undefined;
  const id = fields.get('id');
  return {
    event,
    id: id === undefined ? undefined : Number(id),
    data: JSON.parse(fields.get('data') ?? 'null'),
    at: performance.now(),
  };
}
