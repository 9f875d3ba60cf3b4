import type { Artifact } from '../../app/artifact.ts';
import { type Fact, unitOf } from '../../app/audit/audit-trail.ts';
import { currentRequestState } from '../request-state.ts';
import { goneOn, LEFT_BEFORE } from './gone-on.ts';
import { insertionOf, RecordAdapter } from './record-adapter.ts';

/** Authorization codes: each is stored together with the fact that it was issued, and ends what it was asked for with. */
export class CodeAdapter extends RecordAdapter {
  protected override async save(artifact: Artifact): Promise<void> {
    const { clientId, accountId: userId, grantId } = artifact;
    const { origin = null, leaving, use } = currentRequestState() ?? {};
    const changes = [...(leaving ? [leaving] : []), ...(use ? [use.change] : []), insertionOf(artifact)];
    const issued = {
      type: 'authorization_code_issued',
      clientId,
      userId,
      details: { grant: grantId },
    } as const;
    const facts: [Fact, ...Fact[]] = use ? [use.fact, issued] : [issued];
    const stored = this.context.store.commit(
      unitOf(this.context, { actor: userId, origin }, changes, ...facts),
    );
    await stored.catch((error: unknown) => {
      if (error === LEFT_BEFORE) throw goneOn();
      throw error === use?.change.miss ? use?.refusal : error;
    });
  }
}
