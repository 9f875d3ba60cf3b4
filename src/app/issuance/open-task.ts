import { requireActive } from '../../domain/agent.ts';
import { type Opening, openRoot, requireNoParent } from '../../domain/opening.ts';
import { boundTerms } from '../../domain/policy/ruling.ts';
import type { Task } from '../../domain/task.ts';
import { defaultAudiences, namedOrLeft } from '../resource-servers/audiences.ts';
import { commitNewTask } from './commit-issuance.ts';
import type { AppContext } from '../context.ts';
import type { Issued, TokenCommand } from './issuance.ts';
import { requirePolicies } from './require-policies.ts';

/**
 * Opens a root task for an agent that acts for itself: by client_credentials, or by an API key.
 * @throws DomainError for every rule that the request breaks; nothing is written then.
 */
export async function openTask(context: AppContext, command: TokenCommand): Promise<Issued> {
  const { agent, request } = command;
  requireActive(agent);
  requireNoParent(request);
  const { resources } = command;
  const audiences = await namedOrLeft(context, resources, () => defaultAudiences(context, agent));
  const opening = openRoot({
    request,
    agent,
    audiences,
    limits: context.settings.limits,
    now: context.clock.now(),
    apiKey: command.apiKey && { refreshable: command.refreshAllowed },
  });
  const ruling = await requirePolicies(context, {
    step: 'open',
    agent,
    authority: opening.authority,
    subjectKind: 'agent',
    subject: agent.clientId,
    depth: 0,
  });
  const terms = boundTerms(opening.terms, ruling, { depth: 0, asked: request.maxDepth });
  const task = rootTask(context, command, { ...opening, terms });
  return commitNewTask(context, command, { task, audience: audiences[0] ?? null, ruling });
}

function rootTask(
  context: AppContext,
  { agent, request, apiKey }: TokenCommand,
  { authority, terms }: Opening,
): Task {
  const handle = context.ids.ordered(context.clock.now());
  const taskId = request.taskId ?? context.ids.ordered(context.clock.now());
  return {
    ...authority,
    ...terms,
    handle,
    taskId,
    description: request.description ?? '',
    state: 'active',
    origin: apiKey ? 'api_key' : 'client_credentials',
    clientId: agent.clientId,
    clientEpoch: agent.epoch,
    subject: agent.clientId,
    subjectKind: 'agent',
    subjectEpoch: agent.epoch,
    grant: context.ids.next(),
    rootTaskId: taskId,
    parentTaskId: null,
    parentTokenId: null,
    lineage: [],
    depth: 0,
    childCount: 0,
    createdAt: context.clock.now(),
    endedAt: null,
    endedReason: null,
  };
}
