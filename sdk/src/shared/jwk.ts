/** The runtime's own key, in runtimes with and without the types of a browser. */
export type CryptoKey = Extract<Awaited<ReturnType<typeof crypto.subtle.generateKey>>, { type: string }>;

/** A key pair of WebCrypto; the private key need not be extractable. */
export interface CryptoKeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** RFC 7517, as far as the SDK looks into it. */
export interface JsonWebKey {
  readonly kty?: string;
  readonly crv?: string;
  readonly alg?: string;
  readonly kid?: string;
  readonly [member: string]: unknown;
}
