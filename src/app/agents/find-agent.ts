import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import { basisOf } from '../../domain/revocation.ts';
import type { AppContext } from '../context.ts';
import type { Guard } from '../unit-of-work.ts';

/** The client that stands for administration itself; see bootstrap.ts. */
export const ADMIN_CLIENT_ID = 'taskgrant-admin';

/**
 * An agent by its id. Deleted ones keep their row, so that the audit trail never points at nothing, but are found
 * only when asked for; the credentials of resource servers are no agents.
 * @throws DomainError `not_found`.
 */
export async function findAgent(
  { store }: Pick<AppContext, 'store'>,
  clientId: string,
  { includeDeleted = false }: { includeDeleted?: boolean } = {},
): Promise<Agent> {
  const agent = await store.agents.byId(clientId);
  if (agent?.kind !== 'agent' || (agent.deletedAt !== null && !includeDeleted)) throw unknownAgent();
  return agent;
}

/** Also what another agent's record is answered with: whether it exists is nobody else's business. */
export function unknownAgent(): DomainError {
  return new DomainError('not_found', 'there is no such agent');
}

/** Neither suspended nor deleted since it was read: nobody is given to, or gets for, one that has ended meanwhile. */
export function notEndedSince({ clientId, epoch }: Agent, miss: DomainError = agentChanged()): Guard {
  return { live: basisOf({ kind: 'agent', handle: clientId, epoch }), miss };
}

/** The row changed between reading and committing: the decision was made on what no longer holds. */
export function agentChanged(): DomainError {
  return new DomainError('conflict', 'the agent was changed meanwhile: read it again');
}
