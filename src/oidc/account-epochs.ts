import type { AdapterPayload } from 'oidc-provider';
import type { AppContext } from '../app/context.ts';
import { currentRequestState } from './request-state.ts';

/** What the engine keeps of a sign-in until the browser comes back to it. */
export type SignedIn = {
  readonly accountId: string;
  readonly amr: string[];
  /** The person's epoch when the password was checked (R4). */
  readonly epoch: number;
};

interface SignInResult {
  readonly result?: { readonly login?: Partial<SignedIn> };
}

/**
 * Sessions end at once when their person is signed out or disabled, or gets a new password, because their records are
 * deleted. But a browser that has signed in and not gone on yet has none, and a request that found its session before
 * saves it again afterwards. So both know the epoch of the sign-in, and are worth nothing under a later one. A server of
 * the release before notes none.
 */
export async function withCurrentAccount(
  model: string,
  context: Pick<AppContext, 'store'>,
  record: AdapterPayload,
): Promise<AdapterPayload | undefined> {
  if (model === 'Session') {
    const { accountId, accountEpoch: epoch } = record as { accountId?: string; accountEpoch?: number };
    return (await isCurrent(context, { accountId, epoch })) ? record : undefined;
  }
  if (model !== 'Interaction') return record;
  const { result, ...unanswered } = record as AdapterPayload & SignInResult;
  return (await isCurrent(context, result?.login ?? {})) ? record : unanswered;
}

/** A session with the epoch of the sign-in that this request found it by. */
export function withEpoch(session: AdapterPayload): AdapterPayload {
  const epoch = currentRequestState()?.accountEpochs?.get(session.accountId ?? '');
  return epoch === undefined ? session : { ...session, accountEpoch: epoch };
}

async function isCurrent(
  { store }: Pick<AppContext, 'store'>,
  { accountId, epoch }: { readonly accountId?: string | undefined; readonly epoch?: number | undefined },
): Promise<boolean> {
  if (accountId === undefined || epoch === undefined) return true;
  if ((await store.users.byId(accountId))?.epoch !== epoch) return false;
  const state = currentRequestState();
  if (state) (state.accountEpochs ??= new Map()).set(accountId, epoch);
  return true;
}
