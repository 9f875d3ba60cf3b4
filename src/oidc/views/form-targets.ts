/** What a source of Content-Security-Policy may name; anything else could end the directive. */
const HOST = /^[A-Za-z0-9.-]+(?::\d+)?$/;

/**
 * What `form-action` must permit so that the redirects after a form may reach this URI: its origin, or the scheme
 * where an origin cannot be written (private schemes, IPv6 addresses: CSP level 3 §2.3.1). Empty for what is no URI.
 */
export function formTargets(redirectUri: string): readonly string[] {
  const url = URL.parse(redirectUri);
  if (!url) return [];
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return [isWeb && HOST.test(url.host) ? url.origin : url.protocol];
}
