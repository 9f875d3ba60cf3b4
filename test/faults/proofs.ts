import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { type AgentParty, pkce, registerAgent } from '../support/parties.ts';
import { type Form, postForm } from '../support/requests.ts';
import type { RunningServer } from '../support/server.ts';
import { TOKEN_PATH } from '../support/token-requests.ts';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface SigningKey {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

async function signingKey(): Promise<SigningKey> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  return { privateKey: pair.privateKey, publicJwk: await exportJWK(pair.publicKey) };
}

/** A client that authenticates with signed assertions (RFC 7523), each with an id of its own. */
export async function assertingAgent(server: RunningServer) {
  const { privateKey, publicJwk } = await signingKey();
  const { clientId } = await registerAgent(server, {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...publicJwk, alg: 'ES256', use: 'sig', kid: 'k1' }] },
  });
  return {
    clientId,
    /** Good for a minute. */
    assertion(): Promise<string> {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: clientId, sub: clientId, aud: server.issuer, jti: randomUUID(), iat: now };
      return new SignJWT({ ...claims, exp: now + 60 })
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .sign(privateKey);
    },
    ask: (to: Pick<RunningServer, 'issuer'>, assertion: string) =>
      postForm(to, TOKEN_PATH, {
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION,
        client_assertion: assertion,
        ...pkce().parameters,
      }),
  };
}

interface ProofOptions {
  readonly token?: string;
  readonly ahead?: number;
  readonly nonce?: string;
}

/** A holder of a key who proves it with DPoP (RFC 9449). */
export async function keyHolder(server: RunningServer, agent: AgentParty) {
  const { privateKey, publicJwk } = await signingKey();
  return {
    /** A proof for one request, dated `ahead` seconds from now. */
    proof(method: string, path: string, { token, ahead = 0, nonce }: ProofOptions = {}) {
      const ath = token && createHash('sha256').update(token).digest('base64url');
      return new SignJWT({
        jti: randomUUID(),
        htm: method,
        htu: new URL(path, server.issuer).href,
        iat: Math.floor(Date.now() / 1000) + ahead,
        ...(ath ? { ath } : {}),
        ...(nonce ? { nonce } : {}),
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: publicJwk })
        .sign(privateKey);
    },
    ask: (proof: string, form: Form = {}) =>
      postForm(
        server,
        TOKEN_PATH,
        { grant_type: 'client_credentials', ...form },
        { ...agent.headers, dpop: proof },
      ),
  };
}
