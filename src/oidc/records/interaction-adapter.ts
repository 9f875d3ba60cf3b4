import type { AdapterPayload } from 'oidc-provider';
import type { Artifact } from '../../app/artifact.ts';
import { currentRequestState } from '../request-state.ts';
import { isCurrent, type SignedIn } from './account-epochs.ts';
import { RecordAdapter } from './record-adapter.ts';

interface SignInResult {
  readonly result?: { readonly login?: Partial<SignedIn> };
}

/** Requests that a person is asked about. One who has been cut off since signing in has not answered (account-epochs.ts). */
export class InteractionAdapter extends RecordAdapter {
  /**
   * INVARIANT: what the browser has come back with is over, and stays so whatever its page is told then. The engine alone
   * makes new ones, in requests of its own; the pages save what they have found.
   */
  protected override async save(interaction: Artifact): Promise<void> {
    await (currentRequestState() ? this.artifacts.upsert(interaction) : this.artifacts.update(interaction));
  }

  protected override async worth(record: AdapterPayload): Promise<AdapterPayload> {
    const { result, ...unanswered } = record as AdapterPayload & SignInResult;
    return (await isCurrent(this.context, result?.login ?? {})) ? record : unanswered;
  }
}
