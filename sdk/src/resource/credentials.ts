import { waitFor } from '../shared/abort.ts';
import { base64url } from '../shared/encoding.ts';

/** What a resource server proves itself with at the server: its own client id and secret. */
export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Credentials, or where to get them at each use: a secret that is replaced needs no restart then. */
export type CredentialsSource = Credentials | (() => Credentials | Promise<Credentials>);

/**
 * The Authorization header of RFC 6749 §2.3.1: both parts form-encoded, then Basic.
 * @param signal ends the waiting for credentials that have to be fetched
 * @throws whatever the source throws
 */
export async function basicAuthorization(source: CredentialsSource, signal: AbortSignal): Promise<string> {
  const asked = async () => (typeof source === 'function' ? source() : source);
  const { clientId, clientSecret } = await waitFor(asked(), signal);
  const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
  const standard = base64url(new TextEncoder().encode(pair)).replaceAll('-', '+').replaceAll('_', '/');
  return `Basic ${standard.padEnd(Math.ceil(standard.length / 4) * 4, '=')}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
