import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { unitOf } from '../app/audit/audit-trail.ts';
import type { AppContext } from '../app/context.ts';
import type { Artifact } from '../app/artifact.ts';
import { deferChange } from '../app/idempotency/deferred-units.ts';
import type { Artifacts } from '../app/ports/artifacts.ts';
import { revokeGrant } from '../app/tokens/revoke-grant.ts';
import { DomainError } from '../domain/errors.ts';
import { withCurrentAccount, withEpoch } from './account-epochs.ts';
import { REPLAY_MARGIN_SECONDS, replayed } from './replay.ts';
import { currentRequestState } from './request-state.ts';

export interface AdapterContext {
  readonly context: AppContext;
  readonly artifacts: Artifacts;
}

/** Ids of these are references, not credentials: they are looked up by other records. */
const PLAIN_IDS = new Set(['Grant', 'ReplayDetection']);

/** Names a record by its stored id. Taken by destroy() alone: as a credential it finds nothing. */
const STORED = 'stored:';

/** The engine's records other than clients and tokens: sessions, interactions, codes, consents, pushed requests. */
export class ArtifactAdapter implements Adapter {
  readonly #model: string;
  readonly #context: AppContext;
  readonly #artifacts: Artifacts;

  constructor(model: string, { context, artifacts }: AdapterContext) {
    this.#model = model;
    this.#context = context;
    this.#artifacts = artifacts;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    if (this.#model === 'AuthorizationCode') {
      await this.#issueCode(this.#artifact(id, payload, expiresIn));
      return;
    }
    if (this.#model === 'Session') {
      await this.#saveSession(this.#artifact(id, withEpoch(payload), expiresIn));
      return;
    }
    if (this.#model !== 'ReplayDetection') {
      const artifact = this.#artifact(id, payload, expiresIn);
      if (!deferChange({ do: 'insert_artifact', artifact, miss: taken() }))
        await this.#artifacts.upsert(artifact);
      return;
    }
    // The engine looks first and saves then; only an insert that fails on a taken id detects a parallel replay.
    const kept = this.#artifact(id, payload, Math.max(expiresIn ?? 0, 0) + REPLAY_MARGIN_SECONDS);
    if (!(await this.#artifacts.insert(kept))) throw replayed(id);
  }

  /** INVARIANT: a session that the request has found, and that was ended meanwhile, stays ended. */
  async #saveSession(session: Artifact): Promise<void> {
    const wasFound = currentRequestState()?.sessions?.has(session.id);
    await (wasFound ? this.#artifacts.update(session) : this.#artifacts.upsert(session));
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const artifact = await this.#artifacts.find(this.#model, this.#key(id));
    const state = this.#model === 'Session' ? currentRequestState() : undefined;
    if (state && artifact) (state.sessions ??= new Set()).add(artifact.id);
    const found = this.#payload(artifact);
    return found && this.#current(PLAIN_IDS.has(this.#model) ? found : revealed(id, found));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const artifact = await this.#artifacts.findByUid(this.#model, this.#digest(uid));
    const found = this.#payload(artifact);
    // Its id is not known here; the engine can still destroy what it found.
    return artifact && found && this.#current(revealed(`${STORED}${artifact.id}`, found));
  }

  #current(record: AdapterPayload): Promise<AdapterPayload | undefined> {
    return withCurrentAccount(this.#model, this.#context, record);
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async destroy(id: string): Promise<void> {
    const key = id.startsWith(STORED) ? id.slice(STORED.length) : this.#key(id);
    await this.#artifacts.destroy(this.#model, key);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#artifacts.destroyByGrant(grantId);
  }

  /**
   * Single use (R14): while a code is redeemed, the step is buffered and committed with the issued token; elsewhere it
   * is an atomic conditional write of its own.
   */
  async consume(id: string): Promise<void> {
    const miss = new DomainError('grant_replayed', 'it has been used before');
    const change = {
      do: 'consume_artifact' as const,
      model: this.#model,
      id: this.#key(id),
      at: this.#context.clock.now(),
      miss,
    };
    const redemption = currentRequestState()?.redemption;
    if (redemption) {
      redemption.consume.push(change);
      return;
    }
    const state = currentRequestState();
    const [clientId = null] = state?.agents.keys() ?? [];
    const caller = { actor: null, origin: state?.origin ?? null };
    // Also what tells a commit that nobody confirmed from another request's use.
    const fact = { type: 'authorization_request_used' as const, clientId };
    try {
      await this.#context.store.commit(unitOf(this.#context, caller, [change], fact));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw this.#model === 'PushedAuthorizationRequest'
        ? new errors.InvalidRequestUri('request_uri was already used')
        : new errors.InvalidGrant('already used');
    }
  }

  /** A code and the fact that it was issued are stored together. */
  async #issueCode(artifact: Artifact): Promise<void> {
    const { clientId, accountId: userId, grantId } = artifact;
    const caller = { actor: userId, origin: currentRequestState()?.origin ?? null };
    await this.#context.store.commit(
      unitOf(this.#context, caller, [{ do: 'insert_artifact', artifact, miss: taken() }], {
        type: 'authorization_code_issued',
        clientId,
        userId,
        details: { grant: grantId },
      }),
    );
  }

  #artifact(id: string, payload: AdapterPayload, expiresIn: number | undefined): Artifact {
    const now = this.#context.clock.now();
    return {
      model: this.#model,
      id: this.#key(id),
      payload: PLAIN_IDS.has(this.#model) ? payload : concealed(id, payload),
      grantId: payload.grantId ?? null,
      uid: payload.uid === undefined ? null : this.#digest(payload.uid),
      accountId: payload.accountId ?? null,
      clientId: payload.clientId ?? null,
      consumedAt: null,
      expiresAt: expiresIn ? now + expiresIn * 1000 : null,
    };
  }

  #payload(artifact: Artifact | undefined): AdapterPayload | undefined {
    if (!artifact) return undefined;
    const consumed = artifact.consumedAt === null ? {} : { consumed: Math.floor(artifact.consumedAt / 1000) };
    return { ...artifact.payload, ...consumed };
  }

  #key(id: string): string {
    return PLAIN_IDS.has(this.#model) ? id : this.#digest(id);
  }

  #digest(value: string): string {
    return this.#context.digests.sha256(value);
  }
}

function taken(): DomainError {
  return new DomainError('conflict', 'the id of a record is taken');
}

/**
 * What of a record may be stored: its id is accepted as a credential (a code, a session cookie, a registration access
 * token) and stands in the payload too, and the engine notes the session's id in an interaction, where nothing reads it.
 */
function concealed(id: string, { jti: _, ...payload }: AdapterPayload): Record<string, unknown> {
  const { returnTo, session, ...rest } = payload as { returnTo?: string; session?: Record<string, unknown> };
  const { cookie: _cookie, ...kept } = session ?? {};
  return {
    ...rest,
    ...(returnTo === undefined ? {} : { returnTo: returnTo.slice(0, -id.length) }),
    ...(session === undefined ? {} : { session: kept }),
  };
}

/** The record as the engine stored it: who finds it knows its id. */
function revealed(id: string, payload: AdapterPayload): AdapterPayload {
  const { returnTo } = payload as { returnTo?: string };
  return { ...payload, jti: id, ...(returnTo === undefined ? {} : { returnTo: `${returnTo}${id}` }) };
}

/** A code that is presented twice ends everything that was issued for it (RFC 6749 §4.1.2, R3). */
export async function revokeReplayedGrant(context: AppContext, grantId: string): Promise<void> {
  const state = currentRequestState();
  // The engine has authenticated the client that redeems: no other one is looked up on the way.
  const [clientId = null] = state?.agents.keys() ?? [];
  await revokeGrant(context, {
    caller: { actor: clientId, origin: state?.origin ?? null },
    clientId,
    grant: grantId,
    reason: 'authorization code replayed',
    type: 'token_replayed',
  });
}
