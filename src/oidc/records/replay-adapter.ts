import { hash } from 'node:crypto';
import { decodeJwt } from 'jose';
import type { AdapterPayload } from 'oidc-provider';
import Provider, { errors } from 'oidc-provider';
import { ReferenceAdapter } from './reference-adapter.ts';

/**
 * How far from now the engine lets the date of a DPoP proof be, in either direction (RFC 9449 §11.1). It would forget a
 * proof after this time, counted from its use: one dated in the future could then be used again. Every replay id is
 * kept for this long beyond what the engine asks.
 */
const MARGIN_SECONDS = 300;

/**
 * Ids of DPoP proofs and client assertions that were used. Whoever brings one again is refused here: the engine looks
 * first and saves then, and has its own words only for what it finds, of which `invalid_grant` are some.
 */
export class ReplayAdapter extends ReferenceAdapter {
  override async find(id: string): Promise<AdapterPayload | undefined> {
    if (await super.find(id)) throw replayed(id);
    return undefined;
  }

  override async upsert(id: string, payload: AdapterPayload, expiresIn = 0): Promise<void> {
    const kept = this.artifactOf(id, payload, Math.max(expiresIn, 0) + MARGIN_SECONDS);
    // Only an insert that fails on a taken id detects a parallel replay.
    if (!(await this.artifacts.insert(kept))) throw replayed(id);
  }
}

/**
 * RFC 9449 §5, and §7.1 where a resource is served. A used proof says nothing about the grant: a client that is told
 * `invalid_grant` throws away its refresh token or code, and the person is asked again.
 */
function replayed(id: string): Error {
  const ctx = Provider.ctx as
    | { oidc?: { route?: string; params?: { client_assertion?: unknown } } }
    | undefined;
  if (isOf(ctx?.oidc?.params?.client_assertion, id)) {
    return new errors.InvalidClientAuth('client assertion tokens must only be used once');
  }
  const description = 'DPoP proof JWT Replay detected';
  return ctx?.oidc?.route === 'userinfo'
    ? new errors.InvalidToken(description)
    : new errors.InvalidDpopProof(description);
}

/** Whether the id is the one that the engine remembers the assertion by. */
function isOf(assertion: unknown, id: string): boolean {
  if (typeof assertion !== 'string') return false;
  try {
    const { iss, jti } = decodeJwt(assertion);
    return hash('sha256', `${iss}${jti}`, 'base64url') === id;
  } catch {
    return false;
  }
}
