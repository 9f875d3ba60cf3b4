import type { Agent } from '../../domain/agent.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { findAgent } from './find-agent.ts';
import { editAgent } from './update-agent.ts';

export interface ChangeToolCommand {
  readonly caller: Caller;
  readonly clientId: string;
  readonly tool: string;
}

/** Adds a tool to what the agent may use; adding it again changes nothing. @throws DomainError */
export async function addTool(
  context: AppContext,
  { caller, clientId, tool }: ChangeToolCommand,
): Promise<Agent> {
  const agent = await findAgent(context, clientId);
  if (agent.tools.includes(tool)) return agent;
  return editAgent(context, { caller, agent, edits: { tools: [...agent.tools, tool] } });
}

/** @throws DomainError `not_found` when the agent does not have the tool. */
export async function removeTool(
  context: AppContext,
  { caller, clientId, tool }: ChangeToolCommand,
): Promise<Agent> {
  const agent = await findAgent(context, clientId);
  if (!agent.tools.includes(tool)) throw new DomainError('not_found', 'the agent does not have this tool');
  return editAgent(context, {
    caller,
    agent,
    edits: { tools: agent.tools.filter((own) => own !== tool) },
  });
}
