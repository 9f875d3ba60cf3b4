import type { Artifact } from '../../app/artifact.ts';
import { unitOf } from '../../app/audit/audit-trail.ts';
import { currentRequestState } from '../request-state.ts';
import { insertionOf, RecordAdapter } from './record-adapter.ts';

/** Authorization codes: each is stored together with the fact that it was issued. */
export class CodeAdapter extends RecordAdapter {
  protected override async save(artifact: Artifact): Promise<void> {
    const { clientId, accountId: userId, grantId } = artifact;
    const caller = { actor: userId, origin: currentRequestState()?.origin ?? null };
    await this.context.store.commit(
      unitOf(this.context, caller, [insertionOf(artifact)], {
        type: 'authorization_code_issued',
        clientId,
        userId,
        details: { grant: grantId },
      }),
    );
  }
}
