import { DomainError } from '../../domain/errors.ts';

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
 * @throws DomainError `parameter_invalid` when the address is none; Error when it is unsafe, nothing answers there, or the
 * answer names another issuer (§3.3) or endpoints that cannot be used.
 */
export async function discover(address: string): Promise<OAuthServer> {
  const url = issuerUrl(address);
  const issuer = url.href.replace(/\/$/, '');
  const path = url.pathname.replace(/\/$/, '');
  const found = await call(`${url.origin}${METADATA}${path}`);
  if (found['issuer'] !== issuer) {
    throw new Error(`the server at ${issuer} calls itself ${String(found['issuer'])}: use that as --issuer`);
  }
  for (const name of ['authorization_endpoint', 'token_endpoint', 'registration_endpoint']) {
    const endpoint = found[name];
    if (endpoint === undefined && name === 'registration_endpoint') continue;
    if (!isText(endpoint) || !isSafe(URL.parse(endpoint)))
      throw new Error(`the server at ${issuer} names no ${name} that can be used`);
  }
  return found as unknown as OAuthServer;
}

/** RFC 8414 §2: no query and no fragment. */
function issuerUrl(address: string): URL {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || /[?#]/.test(address)) {
    const must = '--issuer must be an http or https URL without credentials, query and fragment';
    throw new DomainError('parameter_invalid', must);
  }
  if (!isSafe(url)) throw new Error('the issuer must use https: anybody on the way could read the token');
  return url;
}

function isSafe(url: URL | null): boolean {
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname));
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
    return textOf(registered, 'client_id', server.registration_endpoint);
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
export async function redeemCode(
  server: OAuthServer,
  { code, clientId, redirectUri, verifier }: Redemption,
): Promise<Answer> {
  const answer = await call(server.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: clientId,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  });
  textOf(answer, 'access_token', server.token_endpoint);
  return answer;
}

/** @throws Error when the answer lacks what it is asked for. */
function textOf(answer: Answer, name: string, url: string): string {
  const value = answer[name];
  if (isText(value) && value !== '') return value;
  throw new Error(`${url} answered without ${name}`);
}

async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await send(url, init);
  const answer = await answerOf(response);
  if (response.ok && answer !== undefined) return answer;
  const said = [answer?.['error_description'], answer?.['detail'], answer?.['error']].find(isText);
  const why = said ?? (answer === undefined ? 'no JSON object' : undefined);
  throw new Error(`${url} answered ${response.status}${why === undefined ? '' : `: ${why}`}`);
}

/** Undefined for what is no JSON object. */
async function answerOf(response: Response): Promise<Answer | undefined> {
  const answer: unknown = await response.json().catch(() => undefined);
  const isObject = typeof answer === 'object' && answer !== null && !Array.isArray(answer);
  return isObject ? (answer as Answer) : undefined;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(30_000) });
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
    const why = cause?.code ?? cause?.message ?? message;
    throw new Error(`${new URL(url).origin} does not answer (${why})`, { cause: error });
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
