import type { AppContext } from '../../app/context.ts';
import { revokeGrant } from '../../app/tokens/revoke-grant.ts';
import { currentRequestState } from '../request-state.ts';

/** A code that is presented twice ends everything that was issued for it (RFC 6749 §4.1.2, R3). */
export async function revokeReplayedGrant(context: AppContext, grantId: string): Promise<void> {
  const state = currentRequestState();
  // The engine has authenticated the client that redeems: no other one is looked up on the way.
  const [clientId = null] = state?.agents.keys() ?? [];
  await revokeGrant(context, {
    caller: { actor: clientId, origin: state?.origin ?? null },
    clientId,
    grant: grantId,
    reason: 'authorization code replayed',
    type: 'token_replayed',
  });
}
