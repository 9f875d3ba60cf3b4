import type { Agent } from '../../domain/agent.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { changeAgentState } from './change-agent-state.ts';
import { type AgentVisitor, requireVisitor } from './own-agent.ts';

export interface EndAgentCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly visitor: AgentVisitor;
  readonly reason: string | null;
}

/**
 * Ends an agent for good: by an administrator, or by itself, which takes no more than a token of a root task of its own.
 * Nothing brings it back, least of all itself.
 * @throws DomainError `not_found`, `forbidden`, `conflict`.
 */
export async function endAgent(
  context: AppContext,
  { caller, clientId, visitor, reason }: EndAgentCommand,
): Promise<Agent> {
  requireVisitor(visitor, clientId);
  return changeAgentState(context, { caller, clientId, to: 'deleted', reason });
}
