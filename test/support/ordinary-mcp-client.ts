import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';

/** What the client of the MCP SDK needs of its program: it registers itself, and knows nothing of tasks. */
export function ordinaryMcpClient(): OAuthClientProvider & { readonly opened: URL[] } {
  const kept = new Map<string, unknown>();
  const opened: URL[] = [];
  const keep = (name: string) => (value: unknown) => void kept.set(name, value);
  const redirectUrl = 'http://127.0.0.1/callback';
  return {
    opened,
    redirectUrl,
    clientMetadata: {
      client_name: 'Ordinary MCP client',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => kept.get('client') as never,
    saveClientInformation: keep('client'),
    tokens: () => kept.get('tokens') as never,
    saveTokens: keep('tokens'),
    invalidateCredentials: (what) => void kept.delete(what),
    codeVerifier: () => kept.get('verifier') as string,
    saveCodeVerifier: keep('verifier'),
    redirectToAuthorization: (url) => void opened.push(url),
  };
}
