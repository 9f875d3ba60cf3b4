import { base64url, utf8 } from '../shared/encoding.ts';
import { type BoundKey, sign, verify } from './request-keys.ts';

/** A compact JWS (RFC 7515 §3.1), taken apart strictly and not yet believed. */
export interface CompactJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  /** What is signed. */
  readonly input: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const LONGEST = 8192;

/**
 * @returns undefined for a text that is none, for one with extensions (`crit`, RFC 7515 §4.1.11) and for a second
 * spelling of the same bytes, by which one token would pass for two.
 */
export function readJws(token: string): CompactJws | undefined {
  const parts = token.length <= LONGEST ? COMPACT.exec(token) : null;
  if (!parts) return undefined;
  const [, head = '', body = '', tail = ''] = parts;
  const signature = bytesOf(tail);
  const header = jsonOf(head);
  const payload = jsonOf(body);
  if (!signature || !header || !payload || 'crit' in header) return undefined;
  return { header, payload, input: utf8(`${head}.${body}`), signature };
}

/** Signs claims; the algorithm is the key's, and stands in the header with its id. */
export async function signJws(key: BoundKey, header: object, claims: object): Promise<string> {
  const named = { alg: key.algorithm, ...header, ...(key.keyId === undefined ? {} : { kid: key.keyId }) };
  const input = `${encoded(named)}.${encoded(claims)}`;
  return `${input}.${base64url(await sign(key, utf8(input)))}`;
}

/** INVARIANT: the algorithm is that of the key; what the header says only has to agree. */
export async function isSignedBy(jws: CompactJws, keys: readonly BoundKey[]): Promise<boolean> {
  const able = keys.filter(({ algorithm }) => algorithm === algorithmOf(jws));
  for (const key of able) if (await verify(key, jws.input, jws.signature)) return true;
  return false;
}

/** What the header says; RFC 9864 calls EdDSA with this curve Ed25519. */
export function algorithmOf({ header }: CompactJws): unknown {
  return header['alg'] === 'Ed25519' ? 'EdDSA' : header['alg'];
}

function encoded(value: object): string {
  return base64url(utf8(JSON.stringify(value)));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return base64url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = bytesOf(text);
  if (!bytes) return undefined;
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
