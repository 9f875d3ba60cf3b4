import { randomText } from '../shared/encoding.ts';
import { signJws, withKeys } from '../shared/jws.ts';
import type { PrivateKey, Signer } from '../shared/signing-key.ts';

/** How a client shows who it is. None of the two makes it a public client. */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** For `private_key_jwt` (RFC 7523). */
  readonly privateKey?: PrivateKey | undefined;
  /** `kid` of the private key, unless it is a JWK that has one. */
  readonly keyId?: string | undefined;
}

/** What goes with one request. */
export interface Authentication {
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
}

/** Authenticates one request; assertions work once, so each request asks anew. */
export type Authenticate = (now: number) => Promise<Authentication>;

const ASSERTION_SECONDS = 60;

/** RFC 6749 §2.3.1 and RFC 7523 §2.2. */
export function clientAuthentication(issuer: string, credentials: ClientCredentials): Authenticate {
  const { clientId, clientSecret, privateKey, keyId } = credentials;
  if (clientSecret !== undefined) {
    // §2.3.1: both are form-encoded before they are put together.
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    return async () => ({ headers: { authorization: `Basic ${btoa(pair)}` }, form: {} });
  }
  if (privateKey === undefined) return async () => ({ headers: {}, form: { client_id: clientId } });
  let signer: Promise<Signer> | undefined;
  return async (now) => {
    signer ??= withKeys(({ signerOf }) => signerOf(privateKey, keyId));
    return { headers: {}, form: await assertion(await signer, { issuer, clientId, now }) };
  };
}

interface Asserted {
  readonly issuer: string;
  readonly clientId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

async function assertion(signer: Signer, { issuer, clientId, now }: Asserted) {
  const iat = Math.floor(now / 1000);
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: issuer,
    jti: randomText(),
    iat,
    exp: iat + ASSERTION_SECONDS,
  };
  return {
    client_id: clientId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signJws(signer, { kid: signer.kid }, claims),
  };
}
