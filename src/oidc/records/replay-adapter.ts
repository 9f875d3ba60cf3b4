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

/** Ids of DPoP proofs and client assertions that were used. */
export class ReplayAdapter extends ReferenceAdapter {
  override async upsert(id: string, payload: AdapterPayload, expiresIn = 0): Promise<void> {
    const kept = this.artifactOf(id, payload, Math.max(expiresIn, 0) + MARGIN_SECONDS);
    // The engine looks first and saves then; only an insert that fails on a taken id detects a parallel replay.
    if (!(await this.artifacts.insert(kept))) throw replayed(id);
  }
}

/**
 * What a replay that the engine's own look-up came too early for is refused with: the error of the check that it failed,
 * so that parallel replays are answered as later ones are.
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
