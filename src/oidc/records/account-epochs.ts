import type { AppContext } from '../../app/context.ts';
import { currentRequestState } from '../request-state.ts';

/** What the engine keeps of a sign-in until the browser comes back to it. */
export type SignedIn = {
  readonly accountId: string;
  readonly amr: string[];
  /** When the password was checked, in seconds since the epoch. */
  readonly ts: number;
  /** The person's epoch when the password was checked (R4). */
  readonly epoch: number;
};

/**
 * Sessions end at once when their person is signed out or disabled, or gets a new password, because their records are
 * deleted. But a browser that has signed in and not gone on yet has none, and a request that found its session before
 * saves it again afterwards. So both know the epoch of the sign-in, and are worth nothing under a later one. Where none
 * is noted, by a server of the release before, nothing is known against it.
 */
export async function isCurrent(
  { store }: Pick<AppContext, 'store'>,
  { accountId, epoch }: { readonly accountId?: string | undefined; readonly epoch?: number | undefined },
): Promise<boolean> {
  if (accountId === undefined || epoch === undefined) return true;
  if ((await store.users.byId(accountId))?.epoch !== epoch) return false;
  const state = currentRequestState();
  if (state) (state.accountEpochs ??= new Map()).set(accountId, epoch);
  return true;
}
