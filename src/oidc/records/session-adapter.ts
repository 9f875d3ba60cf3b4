import Provider, { type AdapterPayload } from 'oidc-provider';
import type { Artifact } from '../../app/artifact.ts';
import { unitOf } from '../../app/audit/audit-trail.ts';
import { DomainError } from '../../domain/errors.ts';
import { currentRequestState } from '../request-state.ts';
import { isCurrent } from './account-epochs.ts';
import { RecordAdapter } from './record-adapter.ts';

interface SessionEpoch {
  readonly accountId?: string;
  readonly accountEpoch?: number;
}

/** Sessions of people, each with the epoch of the sign-in that its request found it by (account-epochs.ts). */
export class SessionAdapter extends RecordAdapter {
  override async upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void> {
    const epoch = currentRequestState()?.accountEpochs?.get(payload.accountId ?? '');
    await super.upsert(id, epoch === undefined ? payload : { ...payload, accountEpoch: epoch }, expiresIn);
  }

  /** INVARIANT: a session that the request has found, and that was ended meanwhile, stays ended. */
  protected override async save(session: Artifact): Promise<void> {
    const wasFound = currentRequestState()?.sessions?.has(session.id);
    await (wasFound ? this.artifacts.update(session) : this.artifacts.upsert(session));
  }

  /** INVARIANT: whoever signs out is on record with the end of the session, once, and nobody else is. */
  override async destroy(id: string): Promise<void> {
    const userId = whoSignsOutOf(id);
    if (userId === undefined) return super.destroy(id);
    const miss = new DomainError('conflict', 'the session has ended already');
    const change = { do: 'delete_artifact' as const, model: 'Session', id: this.storedKeyOf(id), miss };
    const caller = { actor: userId, origin: currentRequestState()?.origin ?? null };
    try {
      await this.context.store.commit(
        unitOf(this.context, caller, [change], { type: 'user_signed_out', userId }),
      );
    } catch (error) {
      if (error !== miss) throw error;
    }
    return undefined;
  }

  protected override async worth(
    record: AdapterPayload,
    { id }: Artifact,
  ): Promise<AdapterPayload | undefined> {
    const state = currentRequestState();
    if (state) (state.sessions ??= new Set()).add(id);
    const { accountId, accountEpoch: epoch } = record as SessionEpoch;
    return (await isCurrent(this.context, { accountId, epoch })) ? record : undefined;
  }
}

interface Confirmation {
  readonly route?: string;
  readonly session?: { readonly jti: string; readonly accountId?: string };
}

/** The person who has said yes to signing out: the engine ends a session there in no other case. */
function whoSignsOutOf(id: string): string | undefined {
  const { oidc } = (Provider.ctx ?? {}) as { oidc?: Confirmation };
  const { route, session } = oidc ?? {};
  return route === 'end_session_confirm' && session?.jti === id ? session.accountId : undefined;
}
