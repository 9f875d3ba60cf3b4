import { waitFor } from './abort.ts';
import { TaskgrantError } from './errors.ts';
import type { Http } from './http.ts';

/**
 * A path of the server itself, which begins with a slash. What follows the host in an issuer is a part of its name alone:
 * the server's own paths stay at the root of the host.
 */
export function atServer(issuer: string, path: string): string {
  return `${new URL(issuer).origin}${path}`;
}

/** What the SDK reads of the server's metadata (RFC 8414 §2). */
export interface ServerMetadata {
  readonly issuer: string;
  readonly token_endpoint: string;
  readonly authorization_endpoint: string;
  readonly introspection_endpoint: string;
  readonly revocation_endpoint: string;
  readonly registration_endpoint?: string;
  readonly jwks_uri: string;
  readonly [member: string]: unknown;
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Whether what is sent there cannot be read on the way: https, or this very computer. */
export function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

function isSafeAddress(address: unknown): boolean {
  return typeof address === 'string' && URL.canParse(address) && isSafe(new URL(address));
}

/** The issuer as the server writes it: without a slash at the end. @throws TaskgrantError `option_invalid` */
export function checkIssuer(issuer: string): string {
  // RFC 8414 §2: neither query nor fragment.
  if (isSafeAddress(issuer) && !/[?#]/.test(issuer)) return new URL(issuer).href.replace(/\/$/, '');
  throw new TaskgrantError('option_invalid', 'issuer must be an https URL without query and fragment');
}

/**
 * RFC 8414 §3: asked once, then remembered; a failure is not. A signal ends the waiting for it.
 * The function throws TaskgrantError `issuer_mismatch` when the server calls itself differently (§3.3), `answer_invalid`
 * when an endpoint is missing or could be read on the way.
 */
export function createDiscovery(
  http: Http,
  issuer: string,
): (signal?: AbortSignal) => Promise<ServerMetadata> {
  let known: Promise<ServerMetadata> | undefined;
  return (signal) => {
    known ??= discover(http, issuer).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return waitFor(known, signal);
  };
}

async function discover(http: Http, issuer: string): Promise<ServerMetadata> {
  const { origin, pathname } = new URL(issuer);
  const url = `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`;
  const request = { method: 'GET', url, headers: { accept: 'application/json' } };
  const { body } = await http.call(() => request, { repeatable: true });
  const metadata = (body ?? {}) as ServerMetadata;
  if (metadata.issuer !== issuer) {
    throw new TaskgrantError('issuer_mismatch', `${issuer} calls itself something else`);
  }
  for (const name of ['token', 'authorization', 'introspection', 'revocation']) {
    if (isSafeAddress(metadata[`${name}_endpoint`])) continue;
    throw new TaskgrantError('answer_invalid', `the ${name} endpoint is missing, or not https`);
  }
  return metadata;
}
