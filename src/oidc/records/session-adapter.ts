import type { AdapterPayload } from 'oidc-provider';
import type { Artifact } from '../../app/artifact.ts';
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
