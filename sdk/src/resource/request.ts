/** The headers of a request as any runtime has them: those of the Fetch API, or a record with lower-case names. */
export type RequestHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a check needs to know of a request; nothing of it is changed, and its body is not read. */
export interface ResourceRequest {
  /** `GET`, `POST`, … */
  readonly method: string;
  /** Absolute, or from the path on. The host in it is not trusted: `publicUrl` says where the API is. */
  readonly url: string;
  /** An object of this request alone: a proof (DPoP) that several guards see with it is used up once. */
  readonly headers: RequestHeaders;
}

/** One header; several of one name are joined as HTTP joins them (RFC 9110 §5.3). Undefined when absent or empty. */
export function headerOf({ headers }: ResourceRequest, name: string): string | undefined {
  const value = isFetchHeaders(headers) ? headers.get(name) : headers[name];
  const text = Array.isArray(value) ? value.join(', ') : (value as string | null | undefined);
  return text === null || text === '' ? undefined : text;
}

function isFetchHeaders(headers: RequestHeaders): headers is { get(name: string): string | null } {
  return typeof (headers as { get?: unknown }).get === 'function';
}

/** The path without query and fragment, as it came. */
export function pathOf(url: string): string {
  const [path = ''] = (url.startsWith('/') ? url : afterOrigin(url)).split(/[?#]/, 1);
  return path;
}

function afterOrigin(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '') || '/';
}

/** An access token as the Authorization header carries it (RFC 6750 §2.1, RFC 9449 §7.1). */
export interface PresentedToken {
  readonly scheme: 'Bearer' | 'DPoP';
  readonly token: string;
}

const CREDENTIALS = /^(Bearer|DPoP) +([A-Za-z0-9._~+/-]+=*)$/i;
const OF_A_TOKEN = /^(Bearer|DPoP)\b/i;
/** Characters; larger ones do not come from the server. */
const LONGEST_TOKEN = 16 * 1024;

/**
 * The token of a request. Only the header is looked at: tokens in URLs and bodies end in logs (OAuth 2.1 §5.1.2).
 * @returns undefined without one, 'unreadable' for one that is none: that is refused, not taken for none.
 */
export function presentedToken(request: ResourceRequest): PresentedToken | 'unreadable' | undefined {
  const header = headerOf(request, 'authorization');
  if (header === undefined) return undefined;
  const [, scheme, token] = header.length > LONGEST_TOKEN ? [] : (CREDENTIALS.exec(header) ?? []);
  if (scheme === undefined || token === undefined) return OF_A_TOKEN.test(header) ? 'unreadable' : undefined;
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token };
}
