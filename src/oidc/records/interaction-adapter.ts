import type { AdapterPayload } from 'oidc-provider';
import type { Artifact } from '../../app/artifact.ts';
import { currentRequestState } from '../request-state.ts';
import { isCurrent, type SignedIn } from './account-epochs.ts';
import { goneOn, LEFT_BEFORE } from './gone-on.ts';
import { RecordAdapter } from './record-adapter.ts';

interface Answered {
  readonly result?: { readonly login?: Partial<SignedIn>; readonly consent?: object };
}

const MODEL = 'Interaction';

/** Requests that a person is asked about. One who has been cut off since signing in has not answered (account-epochs.ts). */
export class InteractionAdapter extends RecordAdapter {
  /**
   * INVARIANT: what the browser has come back with is over, and stays so whatever its page is told then. The engine alone
   * makes new ones, in requests of its own; the pages save what they have found.
   */
  protected override async save(interaction: Artifact): Promise<void> {
    const state = currentRequestState();
    if (!state) return this.artifacts.update(interaction);
    // The person is asked for something else before there is a code.
    if (state.leaving) await this.#end(state.leaving.id);
    return this.artifacts.upsert(interaction);
  }

  /**
   * The engine does this whenever a browser comes back. INVARIANT: of several times that it comes back to one page, one
   * goes on. With an approval that one is the one whose code is stored: until then it can be tried again.
   */
  override async destroy(id: string): Promise<void> {
    const state = currentRequestState();
    const ended = { do: 'delete_artifact', model: MODEL, id: this.keyOf(id), miss: LEFT_BEFORE } as const;
    if (state?.bringsApproval) state.leaving = ended;
    else await this.#end(ended.id);
  }

  protected override async worth(record: AdapterPayload): Promise<AdapterPayload> {
    const { result, ...unanswered } = record as AdapterPayload & Answered;
    if (!(await isCurrent(this.context, result?.login ?? {}))) return unanswered;
    const state = currentRequestState();
    if (state) state.bringsApproval = result?.consent !== undefined;
    return record;
  }

  async #end(id: string): Promise<void> {
    if (!(await this.artifacts.destroy(MODEL, id))) throw goneOn();
  }
}
