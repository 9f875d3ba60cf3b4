import type { Agent } from '../../domain/agent.ts';
import { permittedPair } from '../../domain/policy/judge.ts';
import type { PolicyStep } from '../../domain/policy/policy.ts';
import { atMost } from '../../domain/policy/ruling.ts';
import type { TaskRequest } from '../../domain/task-request.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import { ofTask, policyRequest } from './require-policies.ts';

interface Delegation {
  readonly step: PolicyStep;
  readonly agent: Agent;
  readonly request: TaskRequest;
  readonly parent: ResolvedToken;
  /** Who would derive. */
  readonly child: string;
}

/** R9: whether a policy lets `child` derive from a task of another client which does not name it. */
export function isPairAllowed(context: AppContext, delegation: Delegation): boolean {
  const { policies } = context.settings;
  const { step, agent, request, parent, child } = delegation;
  if (policies.length === 0 || parent.task.clientId === child) return false;
  const asked = policyRequest(context, {
    ...ofTask(parent.task),
    step,
    agent,
    authority: atMost(request, parent.token),
    pair: { parent: parent.task.clientId, child },
  });
  return permittedPair(policies, asked) !== undefined;
}
