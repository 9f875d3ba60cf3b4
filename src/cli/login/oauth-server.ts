/** What `taskgrant login` needs of the server's metadata (RFC 8414 §2). */
export interface OAuthServer {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly registration_endpoint?: string;
}

type Answer = Record<string, unknown>;

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const METADATA = '/.well-known/oauth-authorization-server';

/**
 * RFC 8414 §3.
 * @throws Error when the address is unsafe, nothing answers there, or the answer names another issuer (§3.3).
 */
export async function discover(address: string): Promise<OAuthServer> {
  const url = URL.parse(address);
  if (!url) throw new Error(`--issuer must be a URL, not ${address}`);
  if (url.protocol !== 'https:' && !LOOPBACK.has(url.hostname)) {
    throw new Error('the issuer must use https: anybody on the way could read the token');
  }
  const issuer = url.href.replace(/\/$/, '');
  const path = url.pathname.replace(/\/$/, '');
  const found = await call(`${url.origin}${METADATA}${path}`);
  if (found['issuer'] !== issuer) {
    throw new Error(`the server at ${issuer} calls itself ${String(found['issuer'])}: use that as --issuer`);
  }
  return found as unknown as OAuthServer;
}

/** RFC 7591: a public native client. @returns its client_id. */
export async function registerPublicClient(
  server: OAuthServer,
  redirectUri: string,
  scope: readonly string[] | undefined,
): Promise<string> {
  if (server.registration_endpoint === undefined) {
    throw new Error('the server registers no clients: name one with --client-id');
  }
  const metadata = {
    client_name: 'taskgrant login',
    application_type: 'native',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...(scope ? { scope: scope.join(' ') } : {}),
  };
  try {
    const registered = await call(server.registration_endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(metadata),
    });
    return String(registered['client_id']);
  } catch (error) {
    throw new Error(
      `no client could be registered (name one with --client-id): ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

interface Redemption {
  readonly code: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly verifier: string;
}

/** RFC 6749 §4.1.3 with the verifier of RFC 7636. */
export function redeemCode(
  server: OAuthServer,
  { code, clientId, redirectUri, verifier }: Redemption,
): Promise<Answer> {
  return call(server.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: clientId,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  });
}

async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await send(url, init);
  const answer = (await response.json().catch(() => undefined)) as Answer | undefined;
  if (response.ok && answer !== undefined) return answer;
  const why = [answer?.['error_description'], answer?.['detail'], answer?.['error']].find(isText);
  throw new Error(`${url} answered ${response.status}${why === undefined ? '' : `: ${why}`}`);
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(30_000) });
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    throw new Error(`${new URL(url).origin} does not answer${cause ? ` (${cause})` : ''}`, { cause: error });
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
