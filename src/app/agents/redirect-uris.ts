import { DomainError } from '../../domain/errors.ts';

const MAX_URIS = 20;
const MAX_LENGTH = 2000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** RFC 3986: what a URL parser would repair (spaces, line breaks, backslashes, letters beyond ASCII) is no URI. */
const URI_TEXT = /^[\x21-\x5b\x5d-\x7e]+$/;
/** A parser takes the first part of the path for the host then. */
const WITHOUT_HOST = /^https?:(?!\/\/)/i;
/** Schemes that a browser runs or opens itself. */
const FORBIDDEN = new Set([
  'javascript:',
  'vbscript:',
  'data:',
  'blob:',
  'file:',
  'about:',
  'view-source:',
  'ws:',
  'wss:',
  'ftp:',
]);

/**
 * Redirect URIs as RFC 9700 §4.1 and RFC 8252 want them: absolute, without fragment, https, or http on a loopback
 * address, or a scheme of an application of its own.
 * @throws DomainError `parameter_invalid` naming the first that is refused.
 */
export function checkRedirectUris(uris: readonly string[]): readonly string[] {
  if (uris.length > MAX_URIS) {
    throw new DomainError('parameter_invalid', `redirect_uris may hold at most ${MAX_URIS} URIs`);
  }
  const refused = uris.find((uri) => !isAcceptable(uri));
  if (refused !== undefined) {
    throw new DomainError(
      'parameter_invalid',
      'redirect_uris takes https URIs, http on a loopback address and private schemes, of printable ASCII without fragment',
      { redirect_uri: refused.slice(0, 200) },
    );
  }
  if (isNative(uris) && uris.some(isSecureLoopback)) {
    throw new DomainError(
      'parameter_invalid',
      'a native application uses http on a loopback address, not https',
    );
  }
  return [...new Set(uris)];
}

/**
 * Traps T1–T3: a loopback address or a private scheme means an application on the user's own machine, also where it
 * names an https URI besides; it then uses any port of the loopback address (RFC 8252 §7.3).
 */
export function isNative(uris: readonly string[]): boolean {
  return uris.some((uri) => URL.parse(uri)?.protocol !== 'https:');
}

function isSecureLoopback(uri: string): boolean {
  const parsed = URL.parse(uri);
  return parsed?.protocol === 'https:' && LOOPBACK.has(parsed.hostname);
}

function isAcceptable(uri: string): boolean {
  const parsed = URL.parse(uri);
  if (!parsed || uri.length > MAX_LENGTH || uri.includes('#') || uri.includes('*')) return false;
  if (!URI_TEXT.test(uri) || WITHOUT_HOST.test(uri)) return false;
  if (parsed.username || parsed.password || FORBIDDEN.has(parsed.protocol)) return false;
  return parsed.protocol !== 'http:' || LOOPBACK.has(parsed.hostname);
}
