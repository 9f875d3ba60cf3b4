/** Audiences of one resource server at most. */
export const MOST_AUDIENCES = 20;

const MAX_LENGTH = 500;
const SCHEMES = new Set(['https:', 'http:', 'urn:']);

/** RFC 8707 §2: an absolute URI without fragment, in the one spelling that tokens will carry. What is wrong, if anything. */
export function audienceFault(value: string): string | undefined {
  const parsed = URL.parse(value);
  if (!parsed || !SCHEMES.has(parsed.protocol) || value.length > MAX_LENGTH || /[#\s]/.test(value)) {
    return 'must be an absolute http, https or urn URI without fragment';
  }
  if (parsed.username || parsed.password) return 'must not hold credentials';
  const bare = withoutSlash(parsed.href);
  return bare === withoutSlash(value) ? undefined : `must be written as ${bare}`;
}

/** T7: with a trailing slash or without it is the same audience. */
export function withoutSlash(uri: string): string {
  return uri.replace(/\/$/, '');
}
