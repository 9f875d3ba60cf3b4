import { base64url, utf8 } from './encoding.ts';
import { TaskgrantError } from './errors.ts';
import type * as Keys from './signing-key.ts';

/** Signs JSON Web Signatures (RFC 7515) with WebCrypto alone: a compact one over the claims. */
export async function signJws(signer: Keys.Signer, header: object, claims: object): Promise<string> {
  const input = `${encoded({ ...header, alg: signer.alg })}.${encoded(claims)}`;
  return `${input}.${base64url(await signer.sign(utf8(input)))}`;
}

/**
 * What is known of keys, loaded by those alone who sign.
 * @throws TaskgrantError `option_invalid` for a key that cannot be used.
 */
export async function withKeys<T>(use: (keys: typeof Keys) => Promise<T>): Promise<T> {
  try {
    return await use(await import('./signing-key.ts'));
  } catch (error) {
    throw new TaskgrantError('option_invalid', `the key cannot sign: ${(error as Error).message}`);
  }
}

function encoded(value: object): string {
  return base64url(utf8(JSON.stringify(value)));
}
