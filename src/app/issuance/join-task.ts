import { ceilingOf, requireActive } from '../../domain/agent.ts';
import { requireNames, requireOffered, requireWithinCeiling, stillUsable } from '../../domain/ceiling.ts';
import { DomainError } from '../../domain/errors.ts';
import { boundExpiry, policyFacts } from '../../domain/policy/ruling.ts';
import { intersect } from '../../domain/scope.ts';
import { type Authority, type Task, taskState } from '../../domain/task.ts';
import type { Audience, TaskRequest } from '../../domain/task-request.ts';
import { requireSameProcess } from '../../domain/verifier.ts';
import { auditEvent } from '../audit/audit-trail.ts';
import { namedOrLeft } from '../resource-servers/audiences.ts';
import { taskIdTaken } from './commit-issuance.ts';
import type { AppContext } from '../context.ts';
import { grantFacts, type Issued, type TokenCommand, tokenFacts } from './issuance.ts';
import { liveGuard, mintToken } from './issue-token.ts';
import { requireLiveParent } from './parent-token.ts';
import { ofTask, requirePolicies } from './require-policies.ts';
import { requireLiveTask } from '../tasks/task-liveness.ts';

export interface JoinCommand extends TokenCommand {
  readonly task: Task;
  /** When sent, it must prove the same parent that the task has (R9). */
  readonly parentToken: string | undefined;
}

/**
 * Issues another token for a task that its owner names by `task_id`: never wider, never longer.
 * @throws DomainError `task_id_taken` for anyone else, `task_not_active` once it has ended.
 */
export async function joinTask(context: AppContext, command: JoinCommand): Promise<Issued> {
  const { agent, task, request } = command;
  requireActive(agent);
  requireOwner(command);
  if (taskState(task, context.clock.now()) !== 'active') {
    throw new DomainError('task_not_active', `the task is ${taskState(task, context.clock.now())}`);
  }
  await requireLiveTask(context, task);
  requireReissuable(task, request);
  requireSameProcess(task, request);
  await requireSameParent(context, command);
  const { authority, audience } = await narrowToRequest(context, command);
  const ruling = await requirePolicies(context, { ...ofTask(task), step: 'join', agent, authority });
  const access = await mintToken(context, {
    kind: 'access',
    task,
    authority,
    audience,
    keyThumbprint: task.keyThumbprint,
    expiresAt: boundExpiry(context.clock.now() + context.settings.limits.accessTokenSeconds * 1000, ruling),
    detailed: command.detailed,
  });
  const reasons = { ...grantFacts(agent, task, access), ...policyFacts(ruling) };
  const facts = tokenFacts(task, access, undefined, reasons);
  await context.store.commit({
    id: context.ids.ordered(context.clock.now()),
    guards: [liveGuard(access.token, task)],
    changes: [
      {
        do: 'require_active_task',
        handle: task.handle,
        miss: new DomainError('task_not_active', 'the task has ended'),
      },
      { do: 'insert_token', token: access.token },
    ],
    events: [
      auditEvent(context, command.caller, { ...facts, type: 'task_joined', tokenId: null }),
      auditEvent(context, command.caller, { ...facts, type: 'token_issued' }),
    ],
  });
  return { task, access, refresh: undefined };
}

/** R9: the same client, subject and grant type; a user's task continues only by refresh or a new authorization. */
function requireOwner({ agent, task }: JoinCommand): void {
  const own = task.clientId === agent.clientId && task.origin === 'client_credentials';
  if (!own || task.subjectKind === 'user') throw taskIdTaken(task.taskId);
}

function requireReissuable(task: Task, request: TaskRequest): void {
  if (task.leaf)
    throw new DomainError('leaf_task', 'a task issued under a challenge waiver gets no further token');
  if (request.codeChallenge !== undefined) {
    throw new DomainError(
      'challenge_refused',
      'the task has its code_challenge; send its code_verifier instead',
    );
  }
  const fixed =
    (request.description !== undefined && request.description !== task.description) ||
    (request.delegates !== undefined && request.delegates.join(' ') !== task.delegates.join(' ')) ||
    (request.maxDepth !== undefined && request.maxDepth !== task.maxDepth) ||
    (request.maxChildren !== undefined && request.maxChildren !== task.maxChildren);
  if (fixed) throw new DomainError('parameters_conflict', 'the terms of an existing task cannot be changed');
}

async function requireSameParent(
  context: AppContext,
  { task, request, parentToken }: JoinCommand,
): Promise<void> {
  const claimed = parentToken === undefined ? undefined : await requireLiveParent(context, parentToken);
  const wrong =
    (claimed !== undefined && claimed.task.taskId !== task.parentTaskId) ||
    (request.parentTaskId !== undefined && request.parentTaskId !== task.parentTaskId);
  if (wrong) throw new DomainError('parent_mismatch', 'the task has another parent');
}

async function narrowToRequest(
  context: AppContext,
  { task, request, resources, agent }: JoinCommand,
): Promise<{ authority: Authority; audience: Audience | null }> {
  requireNames(task.scope, request.scope, 'scope_not_subset', 'wider than the task');
  requireNames(task.tools, request.tools, 'details_not_subset', 'tools wider than the task');
  requireNames(task.resources, request.resources, 'details_not_subset', 'resources wider than the task');
  const held = ceilingOf(agent);
  const asked = await namedOrLeft(context, resources, () => stillUsable(held, task.audiences));
  const audiences = asked.map(({ audience }) => audience);
  const refused = audiences.filter((audience) => !task.audiences.includes(audience));
  if (refused.length > 0) {
    throw new DomainError('audience_not_subset', `the task is not for ${refused.join(' ')}`, { refused });
  }
  // The ceiling may have been lowered since the task was opened.
  requireWithinCeiling(held, { ...request, audiences });
  if (request.scope) requireOffered(asked, request.scope);
  return {
    authority: {
      scope: request.scope ?? intersect(task.scope, held.rights),
      audiences,
      tools: request.tools ?? intersect(task.tools, held.tools),
      resources: request.resources ?? intersect(task.resources, held.resources),
    },
    audience: asked[0] ?? null,
  };
}
