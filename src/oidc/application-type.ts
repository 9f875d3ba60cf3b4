const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** RFC 8252 §7.3: a redirect to the machine itself over plain http. */
export function isLoopback(uri: URL): boolean {
  return uri.protocol === 'http:' && LOOPBACK.has(uri.hostname);
}

/** RFC 8252 §7: custom schemes and loopback belong to native apps. */
export function isNativeUri(uri: URL): boolean {
  return !['https:', 'http:'].includes(uri.protocol) || isLoopback(uri);
}

interface Metadata {
  application_type?: string;
  redirect_uris?: unknown;
}

/** T1–T3: editors and command-line agents use such redirects and seldom say `native`. */
export function inferApplicationType(metadata: Metadata): void {
  if (!Array.isArray(metadata.redirect_uris)) return;
  const uris = metadata.redirect_uris.map((uri) => (typeof uri === 'string' ? URL.parse(uri) : null));
  if (uris.some((uri) => uri !== null && isNativeUri(uri))) metadata.application_type = 'native';
}
