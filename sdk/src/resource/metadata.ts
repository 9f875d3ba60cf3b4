const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** The metadata document of a protected resource (RFC 9728 §2). */
export interface ResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly string[];
  readonly scopes_supported?: readonly string[];
  readonly resource_name?: string;
  readonly [member: string]: unknown;
}

/**
 * Where the metadata of a resource stands (RFC 9728 §3.1): the well-known path before the path of the resource.
 * @returns undefined for an audience that is no http(s) URL: it has no place for metadata.
 */
export function metadataUrl(resource: string): string | undefined {
  let url: URL;
  try {
    url = new URL(resource);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const { origin, pathname, search } = url;
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`;
}

/** An answer that a guard gives by itself. */
export interface OwnAnswer {
  readonly accepted: false;
  readonly reason: 'metadata';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for an answer without a body. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

/** Browser clients read it too, so that any origin may (MCP authorization). */
const ANY_ORIGIN = { 'access-control-allow-origin': '*' };

/** The answer of the metadata route to a method; RFC 9728 §3.2. */
export function metadataAnswer(method: string, document: ResourceMetadata): OwnAnswer {
  if (method === 'OPTIONS') {
    const allowed = { 'access-control-allow-methods': 'GET', 'access-control-allow-headers': '*' };
    return own(204, allowed);
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return own(405, { allow: 'GET, HEAD, OPTIONS' });
  }
  return own(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' }, document);
}

function own(status: number, headers: Record<string, string>, body?: OwnAnswer['body']): OwnAnswer {
  return { accepted: false, reason: 'metadata', status, headers: { ...ANY_ORIGIN, ...headers }, body };
}
