import { SignJWT, importPKCS8, decodeJwt } from 'jose';
import {
  createRequestTokenSigner,
  type Message,
  type RequestTokenOptions,
} from '../../../src/requests/index.ts';
import { AGENT_URL, NOON, pair, type Receiver, receiver, trusting, wire, withHeaders } from '../parties.ts';

export const keys = pair('RS256');
export const URL_ASKED = `${AGENT_URL}/agent?deep=1`;
export const BODY = '{"query":"What movies are playing?"}';

export async function sent(over: Partial<RequestTokenOptions> = {}, taskToken?: string): Promise<Message> {
  const options = { issuer: 'orchestrator', privateKey: keys.privateKey, now: () => NOON, ...over };
  const signer = await createRequestTokenSigner(options);
  const request = new Request(URL_ASKED, { method: 'POST', body: BODY });
  return wire(await signer.sign(request, taskToken));
}

/** A token with exactly these claims, as another library would sign it. */
export async function bearing(
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {},
): Promise<Message> {
  const key = await importPKCS8(keys.privateKey, 'RS256');
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(key);
  return withHeaders(await sent(), { authorization: `Bearer ${token}` });
}

/** What rotagent puts into its tokens, and nothing else. */
export async function rotagentClaims(over: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { content_sha256 } = decodeJwt(tokenOf(await sent()));
  const now = NOON / 1000;
  return { iss: 'orchestrator', iat: now, exp: now + 60, jti: 'j-1', content_sha256, ...over };
}

export async function own(over: Partial<Receiver> = {}): Promise<Receiver> {
  return receiver(await trusting(keys.publicKey), over);
}

export function tokenOf({ headers }: Message): string {
  return (headers as Record<string, string>)['authorization']?.slice('Bearer '.length) ?? '';
}

export async function withAuthorization(token: string): Promise<Message> {
  return withHeaders(await sent(), { authorization: `Bearer ${token}` });
}
