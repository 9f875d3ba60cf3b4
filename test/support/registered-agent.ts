import { activateAgent } from '../../src/app/agents/activate-agent.ts';
import type { AppContext } from '../../src/app/context.ts';
import type { Issued } from '../../src/app/issuance/issuance.ts';
import { openTask } from '../../src/app/issuance/open-task.ts';
import {
  type AgentCredentials,
  type RegisterAgentCommand,
  registerAgent,
} from '../../src/app/agents/register-agent.ts';
import { type ResolvedToken, resolveToken } from '../../src/app/tokens/resolve-token.ts';
import type { Agent } from '../../src/domain/agent.ts';
import type { TaskRequest } from '../../src/domain/task-request.ts';
import { CALLER } from './app-context.ts';

/** The verifier of every task that `openFor` opens. */
export const TASK_VERIFIER = 'the-process-that-opened-the-task-knows-this-value';

/** A registration by an administrator, of an agent that may read and write reports. */
export function aRegistration(over: Partial<RegisterAgentCommand> = {}): RegisterAgentCommand {
  return {
    caller: CALLER,
    registrar: 'administrator',
    name: 'Research agent',
    description: 'Reads reports',
    tools: ['search'],
    resources: ['quarterly'],
    permissions: ['reports:read', 'reports:write'],
    client: {},
    ...over,
  };
}

/** An agent that was registered and activated through the use cases. */
export async function registeredAgent(
  context: AppContext,
  over: Partial<RegisterAgentCommand> = {},
): Promise<{ agent: Agent; credentials: AgentCredentials }> {
  const { credentials } = await registerAgent(context, aRegistration(over));
  const { registrationToken } = credentials;
  const agent = await activateAgent(context, { caller: CALLER, registrationToken });
  return { agent, credentials };
}

/** A root task of the agent, bound to TASK_VERIFIER. */
export function openFor(
  context: AppContext,
  agent: Agent,
  request: Partial<TaskRequest> = {},
): Promise<Issued> {
  return openTask(context, {
    caller: { actor: agent.clientId, origin: CALLER.origin },
    agent,
    publicClient: false,
    request: { codeChallenge: context.digests.sha256(TASK_VERIFIER), ...request },
    resources: [],
    detailed: false,
    refreshAllowed: false,
  });
}

/** What the value of the issued access token stands for now. */
export async function resolved(context: AppContext, issued: Issued): Promise<ResolvedToken> {
  const token = await resolveToken(context, issued.access.value);
  if (!token) throw new Error('an issued token is not recognised');
  return token;
}
