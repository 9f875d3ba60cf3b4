import type { AdapterPayload } from 'oidc-provider';
import { isCurrent, type SignedIn } from './account-epochs.ts';
import { RecordAdapter } from './record-adapter.ts';

interface SignInResult {
  readonly result?: { readonly login?: Partial<SignedIn> };
}

/** Requests that a person is asked about. One who has been cut off since signing in has not answered (account-epochs.ts). */
export class InteractionAdapter extends RecordAdapter {
  protected override async worth(record: AdapterPayload): Promise<AdapterPayload> {
    const { result, ...unanswered } = record as AdapterPayload & SignInResult;
    return (await isCurrent(this.context, result?.login ?? {})) ? record : unanswered;
  }
}
