/** The headers of a request as any runtime has them: those of the Fetch API, or a record with lower-case names. */
export type MessageHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** A request without its body. */
export interface MessageHead {
  /** `GET`, `POST`, … */
  readonly method: string;
  /** Absolute, or from the path on, as it came: nothing decoded. */
  readonly url: string;
  readonly headers: MessageHeaders;
}

/** A request with its body, byte for byte. */
export interface Message extends MessageHead {
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Where a request goes, in the parts that signatures name (RFC 9421 §2.2). */
export interface Target {
  readonly scheme: string;
  /** Lower case, without the port when it is the scheme's own. */
  readonly authority: string;
  readonly path: string;
  /** With `?`, which stands also when there is no query (RFC 9421 §2.2.7). */
  readonly query: string;
}

/** The field for a task token when `Authorization` carries something else. */
export const TASK_TOKEN_FIELD = 'task-token';

/** One header, joined as HTTP joins several of one name (RFC 9110 §5.3) and trimmed; undefined when absent. */
export function fieldOf(headers: MessageHeaders, name: string): string | undefined {
  const own = isFetchHeaders(headers) ? headers.get(name) : ownMember(headers, name);
  const value = Array.isArray(own)
    ? own.map((line: string) => line.trim()).join(', ')
    : (own as string | null);
  return value?.trim() ?? undefined;
}

/** Where the sender sends it. */
export function targetOf(url: string): Target {
  const { protocol, host, pathname, search } = new URL(url);
  return { scheme: protocol.slice(0, -1), authority: host, path: pathname, query: search || '?' };
}

/**
 * Where the receiver got it. INVARIANT: scheme and authority are the receiver's own setting and never read from the
 * request: whoever replays it elsewhere would simply send the Host that was signed.
 * @param publicUrl origin, and the path that stands before every path that the receiver sees.
 */
export function receivedTarget(publicUrl: string, url: string): Target {
  const own = targetOf(publicUrl);
  const [raw = ''] = (url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')).split(
    '#',
    1,
  );
  const mark = raw.indexOf('?');
  const path = (mark < 0 ? raw : raw.slice(0, mark)) || '/';
  const query = mark < 0 ? '?' : raw.slice(mark);
  return { ...own, path: `${own.path.replace(/\/$/, '')}${path}`, query };
}

/** The absolute URL; a `?` alone is none. */
export function urlOf({ scheme, authority, path, query }: Target): string {
  return `${scheme}://${authority}${path}${query === '?' ? '' : query}`;
}

/** Told by what it can do: runtimes and libraries bring `Request` classes of their own. */
export function isFetchRequest(request: Request | Message): request is Request {
  return typeof (request as { arrayBuffer?: unknown }).arrayBuffer === 'function';
}

/** A Fetch API request, its body read from a copy: the request itself can still be used. */
export async function messageOf(request: Request): Promise<Message> {
  const { method, url, headers } = request;
  return { method, url, headers, body: new Uint8Array(await request.clone().arrayBuffer()) };
}

function isFetchHeaders(headers: MessageHeaders): headers is { get(name: string): string | null } {
  return typeof (headers as { get?: unknown }).get === 'function';
}

function ownMember(headers: Readonly<Record<string, string | readonly string[] | undefined>>, name: string) {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}
