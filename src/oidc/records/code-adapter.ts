import type { Artifact } from '../../app/artifact.ts';
import { unitOf } from '../../app/audit/audit-trail.ts';
import { currentRequestState } from '../request-state.ts';
import { goneOn, LEFT_BEFORE } from './gone-on.ts';
import { insertionOf, RecordAdapter } from './record-adapter.ts';

/** Authorization codes: each is stored together with the fact that it was issued, and ends what it was asked for with. */
export class CodeAdapter extends RecordAdapter {
  protected override async save(artifact: Artifact): Promise<void> {
    const { clientId, accountId: userId, grantId } = artifact;
    const { origin = null, leaving } = currentRequestState() ?? {};
    const changes = [...(leaving ? [leaving] : []), insertionOf(artifact)];
    const stored = this.context.store.commit(
      unitOf(this.context, { actor: userId, origin }, changes, {
        type: 'authorization_code_issued',
        clientId,
        userId,
        details: { grant: grantId },
      }),
    );
    await stored.catch((error: unknown) => {
      throw error === LEFT_BEFORE ? goneOn() : error;
    });
  }
}
