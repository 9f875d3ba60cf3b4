import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Caller, unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';

export interface ActivateAgentCommand {
  readonly caller: Caller;
  readonly registrationToken: string;
}

/**
 * Lets a pending agent act, once for each registration token.
 * @throws DomainError `not_found` for an unknown token, `conflict` for one that was used or has expired.
 */
export async function activateAgent(
  context: AppContext,
  { caller, registrationToken }: ActivateAgentCommand,
): Promise<Agent> {
  const { store, digests, clock } = context;
  const digest = digests.sha256(registrationToken);
  const found = await store.agents.byRegistrationToken(digest);
  if (!found) throw new DomainError('not_found', 'the registration token is unknown');
  const used = new DomainError('conflict', 'the registration token was used already');
  if (found.consumedAt !== null) throw used;
  if (found.expiresAt <= clock.now()) {
    throw new DomainError('conflict', 'the registration token has expired: register again');
  }
  const { agent } = found;
  // Not every state that may become active may do so by this token: a suspension is not undone by its holder.
  const moved = new DomainError('conflict', `the agent is ${agent.state}, not pending`);
  if (agent.state !== 'pending' || agent.deletedAt !== null) throw moved;
  const set = { state: 'active', activatedAt: clock.now() } as const;
  await store.commit(
    unitOf(
      context,
      caller,
      [
        { do: 'consume_registration_token', digest, at: clock.now(), miss: used },
        {
          do: 'update_agent',
          clientId: agent.clientId,
          expectEpoch: agent.epoch,
          expect: { state: agent.state },
          set,
          miss: moved,
        },
      ],
      { type: 'agent_activated', clientId: agent.clientId },
    ),
  );
  return { ...agent, ...set };
}
