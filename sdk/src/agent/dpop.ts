import { randomText, sha256 } from '../shared/encoding.ts';
import { isRecord } from '../shared/errors.ts';
import type { CryptoKeyPair, JsonWebKey } from '../shared/jwk.ts';
import { signJws, withKeys } from '../shared/jws.ts';
import type { Signer } from '../shared/signing-key.ts';

/** What a proof is for (RFC 9449 §4.2). */
export interface Proven {
  readonly method: string;
  readonly url: string;
  /** The access token that goes with the request; none at the token endpoint. */
  readonly token?: string | undefined;
}

/** Proves possession of one key (RFC 9449). */
export interface Proofs {
  /** The value of the `DPoP` field. */
  prove(request: Proven): Promise<string>;
  /**
   * Remembers the nonce that an answer brings, for its origin.
   * @returns whether the answer asks for the request again, with that nonce (§8, §9).
   */
  learn(url: string, answer: { readonly headers: Headers; readonly body?: unknown }): boolean;
}

export function createProofs(keys: CryptoKeyPair | undefined, now: () => number): Proofs {
  const nonces = new Map<string, string>();
  let made: Promise<{ signer: Signer; jwk: JsonWebKey }> | undefined;

  const prepare = () =>
    withKeys(async ({ newKeyPair, publicJwk, signerOf }) => {
      const pair = keys ?? (await newKeyPair());
      return { signer: await signerOf(pair.privateKey), jwk: await publicJwk(pair.publicKey) };
    });

  return {
    async prove({ method, url, token }) {
      const { signer, jwk } = await (made ??= prepare());
      const { origin, pathname } = new URL(url);
      const nonce = nonces.get(origin);
      const claims = {
        jti: randomText(),
        htm: method,
        htu: `${origin}${pathname}`,
        iat: Math.floor(now() / 1000),
        ...(token === undefined ? {} : { ath: await sha256(token) }),
        ...(nonce === undefined ? {} : { nonce }),
      };
      return signJws(signer, { typ: 'dpop+jwt', jwk }, claims);
    },
    learn(url, { headers, body }) {
      const nonce = headers.get('dpop-nonce');
      if (nonce === null) return false;
      nonces.set(new URL(url).origin, nonce);
      const challenge = headers.get('www-authenticate') ?? '';
      return (isRecord(body) && body['error'] === 'use_dpop_nonce') || challenge.includes('"use_dpop_nonce"');
    },
  };
}
