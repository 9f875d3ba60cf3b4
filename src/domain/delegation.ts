import { type Agent, ceilingOf } from './agent.ts';
import { requireNames, requireWithinCeiling } from './ceiling.ts';
import { DomainError } from './errors.ts';
import { fanOut, HARD_DEPTH_CAP, least, type Opening, requestedDepth, taskExpiry } from './opening.ts';
import { heldRights } from './role.ts';
import { intersect, type Scope } from './scope.ts';
import type { Authority, Task } from './task.ts';
import type { ServerLimits, TaskRequest } from './task-request.ts';
import type { TaskToken } from './task-token.ts';
import { requireSameKey, requireSameProcess } from './verifier.ts';

export interface DerivationInput {
  readonly request: TaskRequest;
  /** The presented parent token: its recorded grant bounds the child (R1). */
  readonly parentToken: TaskToken;
  /** The parent token's task: its expiry and limits bound the child. */
  readonly parentTask: Task;
  readonly agent: Agent;
  /** What the person whom the task acts for may delegate now; undefined when it acts for an agent. */
  readonly subjectRights: Scope | undefined;
  /** Whether the client authenticates with nothing but its id (`none`). */
  readonly publicClient: boolean;
  /** Whether an administrator's policy allows this pair of clients. */
  readonly pairAllowed: boolean;
  readonly limits: ServerLimits;
  readonly now: number;
}

/**
 * Decides what a child task gets. INVARIANT: no wider, longer or deeper than the parent, or it throws.
 * @throws DomainError naming the first rule that the request breaks.
 */
export function deriveChild(input: DerivationInput): Opening {
  const { request, parentToken, parentTask, agent, limits, now } = input;
  requireNotLeaf(parentTask);
  requirePermitted(input);
  requireParentMatch(request, parentTask);
  requireProof(input);
  // The parent first: asking for more than it holds is a widening, whatever else it is.
  const authority = withinSubject(narrow(parentToken, request, agent), request, input.subjectRights);
  requireWithinCeiling(ceilingOf(agent), request);
  return {
    authority,
    terms: {
      maxDepth: childDepth(input),
      maxChildren: fanOut(
        request,
        least(Math.min(limits.maxChildren, parentTask.maxChildren), agent.maxChildren),
      ),
      delegates: narrowDelegates(parentTask.delegates, request.delegates),
      codeChallenge: request.codeChallenge ?? inheritedChallenge(input),
      keyThumbprint: request.keyThumbprint ?? null,
      leaf: false,
      expiresAt: Math.min(taskExpiry(request, agent, limits, now), parentTask.expiresAt),
    },
  };
}

function requireNotLeaf(parent: Task): void {
  if (parent.leaf)
    throw new DomainError('leaf_task', 'a task issued under a challenge waiver has no children');
  if (parent.maxDepth <= 0 || parent.depth >= HARD_DEPTH_CAP) {
    throw new DomainError('max_depth_exceeded', 'the parent task allows no further level below it');
  }
  if (parent.childCount >= parent.maxChildren) {
    throw new DomainError(
      'fanout_exceeded',
      `the parent task has its ${parent.maxChildren} children already`,
    );
  }
}

/** R8, R9: the parent's own client, a named delegate, or the one that a hand-off token was made for. */
function requirePermitted({
  parentToken,
  parentTask,
  agent,
  publicClient,
  pairAllowed,
  request,
}: DerivationInput) {
  const same = agent.clientId === parentTask.clientId;
  const permitted =
    parentToken.kind === 'handoff'
      ? parentToken.delegateTo === agent.clientId
      : same || parentTask.delegates.includes(agent.clientId) || pairAllowed;
  if (!permitted) {
    throw new DomainError(
      'actor_not_permitted',
      'the client is neither the parent task’s client nor its delegate',
    );
  }
  if (!same && publicClient && request.keyThumbprint === undefined) {
    throw new DomainError('actor_not_permitted', 'a public client can be a delegate only with a bound key');
  }
}

function requireParentMatch(request: TaskRequest, parent: Task): void {
  if (request.parentTaskId !== undefined && request.parentTaskId !== parent.taskId) {
    throw new DomainError('parent_mismatch', 'parent_task_id is not the task of parent_token');
  }
}

/** R7: the same client answers the parent's challenge; another client binds the child to itself. */
function requireProof(input: DerivationInput): void {
  const { request, parentToken, parentTask, agent } = input;
  requireSameKey(parentToken, request);
  if (parentTask.keyThumbprint !== null && request.keyThumbprint === undefined) {
    throw new DomainError('key_mismatch', 'a child of a key-bound task must be bound to a key');
  }
  if (agent.clientId === parentTask.clientId) {
    requireSameProcess(parentTask, request);
    return;
  }
  if (request.codeChallenge === undefined && request.keyThumbprint === undefined) {
    throw new DomainError(
      'challenge_required',
      'a delegate binds its child task with a code_challenge (S256)',
    );
  }
}

function inheritedChallenge({ agent, parentTask }: DerivationInput): string | null {
  return agent.clientId === parentTask.clientId ? parentTask.codeChallenge : null;
}

function childDepth({ request, parentTask, agent }: DerivationInput): number {
  return requestedDepth(request, least(parentTask.maxDepth - 1, agent.maxDepth));
}

/**
 * INVARIANT: the result is a subset of the parent token's recorded grant, or it throws. Omitted members are the
 * parent's, cut to what the agent may hold.
 */
export function narrow(parent: Authority, request: TaskRequest, agent: Agent): Authority {
  requireNames(parent.scope, request.scope, 'scope_not_subset', 'wider than the parent token');
  requireNames(parent.tools, request.tools, 'details_not_subset', 'tools wider than the parent token');
  requireNames(
    parent.resources,
    request.resources,
    'details_not_subset',
    'resources wider than the parent token',
  );
  return {
    scope: request.scope ?? inherited(parent.scope, heldRights(agent)),
    audiences: narrowAudiences(parent.audiences, request.audiences, agent.audiences),
    tools: request.tools ?? intersect(parent.tools, agent.tools),
    resources: request.resources ?? intersect(parent.resources, agent.resources),
  };
}

/** A person passes on no right that the person has lost since the parent was approved. */
function withinSubject(authority: Authority, request: TaskRequest, rights: Scope | undefined): Authority {
  if (rights === undefined) return authority;
  requireNames(rights, request.scope, 'scope_exceeds_ceiling', 'the person may no longer grant');
  return request.scope ? authority : { ...authority, scope: intersect(authority.scope, rights) };
}

function inherited(parent: Scope, ceiling: Scope): Scope {
  const common = intersect(parent, ceiling);
  if (parent.length > 0 && common.length === 0) {
    throw new DomainError(
      'scope_exceeds_ceiling',
      'the parent’s scope and the agent’s permissions have nothing in common',
    );
  }
  return common;
}

function narrowAudiences(
  parent: readonly string[],
  asked: readonly string[] | undefined,
  ceiling: readonly string[] | null,
): readonly string[] {
  const refused = (asked ?? []).filter((audience) => !parent.includes(audience));
  if (refused.length > 0) {
    throw new DomainError('audience_not_subset', `the parent token is not for ${refused.join(' ')}`, {
      refused,
    });
  }
  const result = asked ?? parent.filter((audience) => ceiling === null || ceiling.includes(audience));
  if (result.length === 0) {
    throw new DomainError(
      'audience_not_subset',
      'no audience is left that both the parent and the agent may use',
    );
  }
  return result;
}

/** R5: delegates only shrink; absent = the same client only. They are ids: `*` among them stands for nobody. */
function narrowDelegates(parent: readonly string[], asked: readonly string[] | undefined): readonly string[] {
  const refused = (asked ?? []).filter((delegate) => !parent.includes(delegate));
  if (refused.length > 0) {
    throw new DomainError(
      'details_not_subset',
      `the parent does not allow the delegates ${refused.join(' ')}`,
      {
        refused,
      },
    );
  }
  return asked ?? [];
}
