import type { Agent } from '../../domain/agent.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findAgent, unknownAgent } from './find-agent.ts';

export interface ViewAgentCommand {
  readonly caller: Caller;
  readonly clientId: string;
  /** The client whose token asks; sees itself. */
  readonly self: string;
  /** Sees every agent. */
  readonly administrator: boolean;
  readonly includeDeleted?: boolean | undefined;
}

/** @throws DomainError `not_found`, also for another agent's record. */
export async function viewAgent(context: AppContext, command: ViewAgentCommand): Promise<Agent> {
  const { clientId, self, administrator, includeDeleted = false } = command;
  if (!administrator && clientId !== self) throw unknownAgent();
  return findAgent(context, clientId, { includeDeleted: administrator && includeDeleted });
}
