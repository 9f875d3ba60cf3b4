/** What RFC 7662 tells a resource server about a live token; further members depend on the server. */
export interface TokenInfo {
  readonly client_id: string;
  readonly sub: string;
  readonly scope?: string;
  readonly aud?: string;
  readonly act?: Actor;
  readonly task_id?: string;
}

/** RFC 8693 §4.1: who acts, outermost first. */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

export interface Introspector {
  /** The API's own credentials at the authorization server. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly issuer: string;
}

/**
 * Asks the authorization server, at every call: a token that was revoked a moment ago is refused at once.
 * @returns undefined for a token that is not live, or not for this API.
 * @throws Error when the server does not answer: then nobody may be let in.
 */
export async function introspect(
  { issuer, clientId, clientSecret }: Introspector,
  token: string,
): Promise<TokenInfo | undefined> {
  const response = await fetch(`${issuer}/api/oauth/introspect`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ token }),
    signal: AbortSignal.timeout(5000),
  });
  if (!response.ok) throw new Error(`introspection answered ${response.status}`);
  const info = (await response.json()) as TokenInfo & { active: boolean };
  return info.active ? info : undefined;
}
