import type { Agent } from '../../domain/agent.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import { DomainError } from '../../domain/errors.ts';
import type { TaskRequest } from '../../domain/task-request.ts';
import { requireKeyOf } from '../../domain/verifier.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { decideOnRegistry } from '../decide-on-registry.ts';
import type { Issued } from '../issuance/issuance.ts';
import { openTask } from '../issuance/open-task.ts';

export interface OpenByApiKeyCommand {
  readonly caller: Caller;
  /** A key that has just been proven. */
  readonly key: ApiKey;
  readonly request: TaskRequest;
  readonly resources: readonly string[];
  /** Whether a refresh token is given out. */
  readonly refreshAllowed: boolean;
}

/**
 * Opens a root task for the agent of an API key, like any other task but for one thing: it needs no challenge, and
 * without one it has no children (ADR 19).
 * @throws DomainError `agent_not_active`, `grant_revoked` when the key ends meanwhile, or what openTask refuses.
 */
export function openByApiKey(context: AppContext, command: OpenByApiKeyCommand): Promise<Issued> {
  const { key, request, resources, refreshAllowed, caller } = command;
  return decideOnRegistry(context, async (deciding) => {
    const agent = await agentOfKey(deciding, key.clientId);
    requireKeyOf({ dpopBound: agent.metadata['dpop_bound_access_tokens'] === true }, request);
    return openTask(deciding, {
      caller,
      agent,
      publicClient: false,
      request,
      resources,
      detailed: false,
      refreshAllowed,
      apiKey: key,
    });
  });
}

export async function agentOfKey({ store }: Pick<AppContext, 'store'>, clientId: string): Promise<Agent> {
  const agent = await store.agents.byId(clientId);
  if (!agent) throw new DomainError('agent_not_active', 'the agent is gone');
  return agent;
}
