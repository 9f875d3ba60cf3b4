import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Artifact } from '../../app/artifact.ts';
import { unitOf } from '../../app/audit/audit-trail.ts';
import type { AppContext } from '../../app/context.ts';
import { deferChange } from '../../app/idempotency/deferred-units.ts';
import type { Artifacts } from '../../app/ports/artifacts.ts';
import type { Change } from '../../app/unit-of-work.ts';
import { DomainError } from '../../domain/errors.ts';
import { currentRequestState } from '../request-state.ts';

export interface RecordPlace {
  readonly context: AppContext;
  readonly artifacts: Artifacts;
}

/** Names a record by its stored id. Taken by destroy() alone: as a credential it finds nothing. */
const STORED = 'stored:';

/** The engine's records other than clients and tokens. The ids of most of them are credentials, which are not stored. */
export class RecordAdapter implements Adapter {
  protected readonly context: AppContext;
  protected readonly artifacts: Artifacts;
  readonly #model: string;

  constructor(model: string, { context, artifacts }: RecordPlace) {
    this.#model = model;
    this.context = context;
    this.artifacts = artifacts;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    await this.save(this.artifactOf(id, payload, expiresIn));
  }

  protected async save(artifact: Artifact): Promise<void> {
    if (!deferChange(insertionOf(artifact))) await this.artifacts.upsert(artifact);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const artifact = await this.artifacts.find(this.#model, this.keyOf(id));
    return artifact && this.worth(this.revealed(id, payloadOf(artifact)), artifact);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const artifact = await this.artifacts.findByUid(this.#model, this.#digest(uid));
    // Its id is not known here; the engine can still destroy what it found.
    return artifact && this.worth(this.revealed(`${STORED}${artifact.id}`, payloadOf(artifact)), artifact);
  }

  async findByUserCode(): Promise<undefined> {
    return undefined;
  }

  async destroy(id: string): Promise<void> {
    await this.artifacts.destroy(this.#model, this.storedKeyOf(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.artifacts.destroyByGrant(grantId);
  }

  /**
   * Single use (R14): while a code is redeemed, the step is buffered and committed with the issued token; so it is with
   * the code while a browser comes back with an approval. Elsewhere it is an atomic conditional write of its own.
   */
  async consume(id: string): Promise<void> {
    const miss = new DomainError('grant_replayed', 'it has been used before');
    const change = {
      do: 'consume_artifact' as const,
      model: this.#model,
      id: this.keyOf(id),
      at: this.context.clock.now(),
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
    if (state?.leaving) {
      state.use = { change, fact, refusal: this.#usedBefore() };
      return;
    }
    try {
      await this.context.store.commit(unitOf(this.context, caller, [change], fact));
    } catch (error) {
      throw error instanceof DomainError ? this.#usedBefore() : error;
    }
  }

  #usedBefore(): Error {
    return this.#model === 'PushedAuthorizationRequest'
      ? new errors.InvalidRequestUri('request_uri was already used')
      : new errors.InvalidGrant('already used');
  }

  /** What a record that was found is worth at this moment. */
  protected async worth(record: AdapterPayload, _artifact: Artifact): Promise<AdapterPayload | undefined> {
    return record;
  }

  /** Under what one that was found is stored. */
  protected storedKeyOf(id: string): string {
    return id.startsWith(STORED) ? id.slice(STORED.length) : this.keyOf(id);
  }

  /** By what it is found. */
  protected keyOf(id: string): string {
    return this.#digest(id);
  }

  /**
   * What of a record may be stored: its id is accepted as a credential (a code, a session cookie, a registration access
   * token) and stands in the payload too, and the engine notes the session's id in an interaction, where nothing reads it.
   */
  protected concealed(id: string, { jti: _, ...payload }: AdapterPayload): Record<string, unknown> {
    const { returnTo, session, ...rest } = payload as {
      returnTo?: string;
      session?: Record<string, unknown>;
    };
    const { cookie: _cookie, ...kept } = session ?? {};
    return {
      ...rest,
      ...(returnTo === undefined ? {} : { returnTo: returnTo.slice(0, -id.length) }),
      ...(session === undefined ? {} : { session: kept }),
    };
  }

  /** The record as the engine stored it: who finds it knows its id. */
  protected revealed(id: string, payload: AdapterPayload): AdapterPayload {
    const { returnTo } = payload as { returnTo?: string };
    return { ...payload, jti: id, ...(returnTo === undefined ? {} : { returnTo: `${returnTo}${id}` }) };
  }

  protected artifactOf(id: string, payload: AdapterPayload, expiresIn: number | undefined): Artifact {
    const now = this.context.clock.now();
    return {
      model: this.#model,
      id: this.keyOf(id),
      payload: this.concealed(id, payload),
      grantId: payload.grantId ?? null,
      uid: payload.uid === undefined ? null : this.#digest(payload.uid),
      accountId: payload.accountId ?? null,
      clientId: payload.clientId ?? null,
      consumedAt: null,
      expiresAt: expiresIn ? now + expiresIn * 1000 : null,
    };
  }

  #digest(value: string): string {
    return this.context.digests.sha256(value);
  }
}

export function insertionOf(artifact: Artifact): Change {
  return {
    do: 'insert_artifact',
    artifact,
    miss: new DomainError('conflict', 'the id of a record is taken'),
  };
}

/**
 * INVARIANT: a copy, to the last member. Requests that look for one record at the same moment find the same object, and
 * the engine notes in a session which approval a request brings.
 */
function payloadOf({ payload, consumedAt }: Artifact): AdapterPayload {
  return {
    ...structuredClone(payload),
    ...(consumedAt === null ? {} : { consumed: Math.floor(consumedAt / 1000) }),
  };
}
