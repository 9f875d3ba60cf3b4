import { createPrivateKey } from 'node:crypto';
import { oncePerKey } from './once-per-key.ts';
import { SIGNATURES } from './signatures.ts';
import type { SigningKey } from './signing-key.ts';

/** Makes JWS in compact serialization (RFC 7515 §3.1) of one `typ`. */
export type JwsSigner = (key: SigningKey, payload: string) => Promise<string>;

export function createJwsSigner(typ: string): JwsSigner {
  const headerOf = oncePerKey(({ algorithm: alg, kid }) => ({
    encoded: base64url(JSON.stringify({ alg, typ, kid })),
  }));
  const privateKeyOf = oncePerKey(({ privateJwk }) => createPrivateKey({ key: privateJwk, format: 'jwk' }));
  return async (key, payload) => {
    const input = `${headerOf(key).encoded}.${base64url(payload)}`;
    const signature = await SIGNATURES[key.algorithm](Buffer.from(input), privateKeyOf(key));
    return `${input}.${signature.toString('base64url')}`;
  };
}

function base64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
