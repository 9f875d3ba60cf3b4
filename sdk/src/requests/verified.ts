/** Whose request it is, once everything about it is checked. */
export interface VerifiedRequest {
  /** The authorized name whose key signed it. */
  readonly issuer: string;
  /** Which of the issuer's keys; undefined when the request named none. */
  readonly keyId: string | undefined;
  readonly profile: 'signature' | 'token';
  /** The id by which it was used up: `nonce` or `jti`. */
  readonly id: string;
  /** Seconds since the epoch, by the issuer's clock. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /**
   * The task token that the issuer signed for; undefined when the request has none. It is not checked here: give it to
   * `protect` of `@taskgrant/sdk/resource` or to introspection.
   */
  readonly taskToken: string | undefined;
}

/** Everything but the body and the replay: what can be said before a byte of the body is read. */
export interface VerifiedHead {
  /** @throws RequestRefused `body_changed`, `replayed` or `unavailable` */
  complete(body: Uint8Array<ArrayBuffer>): Promise<VerifiedRequest>;
}
