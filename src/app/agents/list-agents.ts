import type { Agent, AgentState } from '../../domain/agent.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';

export interface ListAgentsCommand {
  readonly caller: Caller;
  readonly state?: AgentState | undefined;
  readonly name?: string | undefined;
  readonly includeDeleted?: boolean | undefined;
  readonly page: Page;
}

/** Newest first, for administrators. */
export function listAgents(context: AppContext, command: ListAgentsCommand): Promise<Paged<Agent>> {
  const { state, name, includeDeleted, page } = command;
  return context.store.agents.search({ kind: 'agent', state, name, includeDeleted }, page);
}
