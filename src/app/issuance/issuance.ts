import type { Agent } from '../../domain/agent.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import { grantReasons } from '../../domain/grant-reason.ts';
import type { TaskRequest } from '../../domain/task-request.ts';
import type { Task } from '../../domain/task.ts';
import { formatScope } from '../../domain/scope.ts';
import { taskState } from '../../domain/task.ts';
import { taskClaim, type TaskToken } from '../../domain/task-token.ts';
import { agentTaskDetails } from './agent-task-details.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { MintedToken } from './issue-token.ts';

/** What an authenticated client asks the token endpoint for. */
export interface TokenCommand {
  readonly caller: Caller;
  readonly agent: Agent;
  /** The client authenticated with nothing but its id (`none`). */
  readonly publicClient: boolean;
  readonly request: TaskRequest;
  /** RFC 8707 `resource` values as sent; empty = none named. */
  readonly resources: readonly string[];
  /** The request used the RFC 9396 form. */
  readonly detailed: boolean;
  /** The client is registered for the `refresh_token` grant. */
  readonly refreshAllowed: boolean;
  /** What the agent proved itself with, where it was no OAuth client authentication (ADR 19). Opens root tasks only. */
  readonly apiKey?: Pick<ApiKey, 'keyId'> | undefined;
}

/** What a successful request answers with. */
export interface Issued {
  readonly task: Task;
  readonly access: MintedToken;
  readonly refresh: MintedToken | undefined;
}

/** Members of the token response (RFC 6749 §5.1 and design §3). `expires_in` is seconds. */
export function tokenResponse(
  { clock }: AppContext,
  { task, access, refresh }: Issued,
): Record<string, unknown> {
  const { token, value } = access;
  return {
    access_token: value,
    token_type: token.keyThumbprint ? 'DPoP' : 'Bearer',
    expires_in: Math.floor((token.expiresAt - clock.now()) / 1000),
    scope: formatScope(token.scope),
    ...(refresh ? { refresh_token: refresh.value } : {}),
    ...(token.detailed ? { authorization_details: [agentTaskDetails(token, task)] } : {}),
    token_id: token.tokenId,
    task_id: task.taskId,
    ...(task.parentTaskId ? { parent_task_id: task.parentTaskId } : {}),
    ...(token.parentTokenId ? { parent_token_id: token.parentTokenId } : {}),
    granted_tools: token.tools,
    granted_resources: token.resources,
    task: taskMember(task, token, clock.now()),
  };
}

function taskMember(task: Task, token: TaskToken, now: number): Record<string, unknown> {
  return {
    ...taskClaim(task),
    state: taskState(task, now),
    description: task.description,
    audiences: token.audiences,
    delegates: task.delegates,
    max_depth: task.maxDepth,
    max_children: task.maxChildren,
    verifier_bound: task.codeChallenge !== null,
    key_bound: task.keyThumbprint !== null,
  };
}

/** What the audit trail keeps of a token: ids, authority and why it was granted, never the value. */
export function tokenFacts(
  task: Task,
  { token }: MintedToken,
  refresh: MintedToken | undefined,
  reasons: Readonly<Record<string, unknown>> = {},
) {
  return {
    clientId: token.clientId,
    userId: task.subjectKind === 'user' ? task.subject : null,
    tokenId: token.tokenId,
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
    details: {
      scope: formatScope(token.scope),
      audience: token.audience,
      tools: token.tools,
      expires_at: Math.floor(token.expiresAt / 1000),
      ...(refresh ? { refresh_token_id: refresh.token.tokenId } : {}),
      ...reasons,
    },
  };
}

/** Why each right of a token was granted. */
export function grantFacts(agent: Agent, task: Task, { token }: MintedToken): Record<string, unknown> {
  return { granted_by: grantReasons(task, agent, token.scope) };
}

/** What the audit trail keeps of a task: who may do what until when. */
export function taskFacts(task: Task): Record<string, unknown> {
  return {
    origin: task.origin,
    subject: task.subject,
    scope: task.scope,
    audiences: task.audiences,
    tools: task.tools,
    resources: task.resources,
    delegates: task.delegates,
    depth: task.depth,
    max_depth: task.maxDepth,
    expires_at: Math.floor(task.expiresAt / 1000),
  };
}
