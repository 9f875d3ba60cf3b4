import { generateKeyPairSync } from 'node:crypto';
import {
  type AuthorizedKeys,
  keysGiven,
  type Message,
  type RequestRefused,
  requestReplaysInMemory,
  type SignatureReceiverOptions,
  type TokenReceiverOptions,
} from '../../src/requests/index.ts';

export type Kind = 'ES256' | 'EdDSA' | 'RS256';

export interface Pair {
  /** PKCS #8 and SPKI. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A fresh key pair as PEM. */
export function pair(kind: Kind = 'ES256'): Pair {
  const type = { ES256: 'ec', EdDSA: 'ed25519', RS256: 'rsa' } as const;
  const options = {
    namedCurve: 'P-256',
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  };
  // oxlint-disable-next-line typescript/no-explicit-any -- one overload for each kind
  return (generateKeyPairSync as any)(type[kind], options) as Pair;
}

export const AGENT_URL = 'https://agent.example';
/** A moment on a full second. */
export const NOON = Date.UTC(2026, 10, 21, 12);

/** A service that accepts the orchestrator. */
export interface Receiver extends SignatureReceiverOptions, TokenReceiverOptions {
  readonly publicUrl: string;
}

export function receiver(keys: AuthorizedKeys, over: Partial<Receiver> = {}): Receiver {
  const now = over.now ?? (() => NOON);
  return { publicUrl: AGENT_URL, keys, replays: requestReplaysInMemory({ now }), now, ...over };
}

/** The orchestrator's key as the only one that is authorized. */
export function trusting(publicKey: string, issuer = 'orchestrator'): Promise<AuthorizedKeys> {
  return keysGiven([{ issuer, publicKey }]);
}

/** A request as it comes off the wire. */
export async function wire(request: Request, over: Partial<Message> = {}): Promise<Message> {
  const { method, url, headers } = request;
  return {
    method,
    url: url.slice(new URL(url).origin.length),
    headers: Object.fromEntries(headers),
    body: new Uint8Array(await request.clone().arrayBuffer()),
    ...over,
  };
}

/** With some headers changed; undefined takes one away. */
export function withHeaders(message: Message, changed: Record<string, string | undefined>): Message {
  const headers = { ...(message.headers as Record<string, string>), ...changed };
  return { ...message, headers };
}

/** Why it is refused; 'accepted' when it is not. */
export async function outcome(verifying: Promise<unknown>): Promise<string> {
  try {
    await verifying;
    return 'accepted';
  } catch (error) {
    const { name, reason } = error as RequestRefused;
    if (name !== 'RequestRefused') throw error;
    return reason;
  }
}

export const bytes = (text: string) => new TextEncoder().encode(text);
