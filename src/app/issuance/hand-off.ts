import { ceilingOf, requireActive } from '../../domain/agent.ts';
import { requireWithinCeiling } from '../../domain/ceiling.ts';
import { narrow } from '../../domain/delegation.ts';
import { DomainError } from '../../domain/errors.ts';
import { boundExpiry, policyFacts } from '../../domain/policy/ruling.ts';
import type { TaskRequest } from '../../domain/task-request.ts';
import { requireSameKey, requireSameProcess } from '../../domain/verifier.ts';
import { auditEvent } from '../audit/audit-trail.ts';
import { resolveAudiences } from '../resource-servers/audiences.ts';
import type { AppContext } from '../context.ts';
import { isPairAllowed } from './allowed-pair.ts';
import { type Issued, type TokenCommand, tokenFacts } from './issuance.ts';
import { liveGuard, liveParent, mintToken } from './issue-token.ts';
import { asChildOf, requireLiveParent } from './parent-token.ts';
import { ofTask, pairOf, requirePolicies } from './require-policies.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';

export interface HandOffCommand extends TokenCommand {
  readonly parentToken: string;
  /** The client that may derive a child from the result. */
  readonly delegateTo: string;
}

/**
 * R8: makes a narrowed, short, single-use token that only `delegateTo` can derive a child from, so that no agent
 * ever gives its own token away. Its audience is the issuer: resource servers see it inactive.
 * @throws DomainError for every rule that the request breaks.
 */
export async function handOff(context: AppContext, command: HandOffCommand): Promise<Issued> {
  requireActive(command.agent);
  const parent = await requireLiveParent(context, command.parentToken);
  return asChildOf(parent, () => handOffFrom(context, command, parent));
}

async function handOffFrom(
  context: AppContext,
  command: HandOffCommand,
  parent: ResolvedToken,
): Promise<Issued> {
  const { agent, request, delegateTo } = command;
  await requireHandOffAllowed(context, command, parent);
  requireNoTerms(request);
  const asked = command.resources.length > 0 ? await resolveAudiences(context, command.resources) : undefined;
  const wanted = { ...request, audiences: asked?.map(({ audience }) => audience) };
  // The ceiling may have been lowered since: what the agent lost it does not pass on either.
  requireWithinCeiling(ceilingOf(agent), wanted);
  const authority = narrow(parent.token, wanted, agent);
  const ruling = await requirePolicies(context, {
    ...ofTask(parent.task),
    ...pairOf(agent.clientId, delegateTo),
    step: 'hand_off',
    agent,
    authority,
  });
  const access = await mintToken(context, {
    kind: 'handoff',
    task: parent.task,
    authority,
    audience: { audience: context.settings.issuer, scopes: null, tokenFormat: 'jwt' },
    keyThumbprint: null,
    expiresAt: boundExpiry(context.clock.now() + context.settings.limits.handOffSeconds * 1000, ruling),
    detailed: command.detailed,
    delegateTo,
    parentTokenId: parent.token.tokenId,
  });
  const facts = tokenFacts(parent.task, access, undefined, policyFacts(ruling));
  await context.store.commit({
    id: context.ids.ordered(context.clock.now()),
    guards: [liveGuard(access.token, parent.task), liveParent(parent)],
    changes: [
      {
        do: 'require_active_task',
        handle: parent.task.handle,
        miss: new DomainError('task_not_active', 'the task has ended'),
      },
      { do: 'insert_token', token: access.token },
    ],
    events: [
      auditEvent(context, command.caller, {
        ...facts,
        type: 'token_handed_off',
        details: { ...facts.details, delegate_to: delegateTo, via: parent.token.tokenId },
      }),
    ],
  });
  return { task: parent.task, access, refresh: undefined };
}

/** Terms of a task that does not exist yet: whoever derives it sets them. Refused, so that nobody relies on them. */
function requireNoTerms({
  taskId,
  description,
  delegates,
  maxDepth,
  maxChildren,
  expiresIn,
  codeChallenge,
}: TaskRequest) {
  const terms = { taskId, description, delegates, maxDepth, maxChildren, expiresIn, codeChallenge };
  if (Object.values(terms).every((term) => term === undefined)) return;
  throw new DomainError(
    'parameters_conflict',
    'a hand-off narrows scope, resource, tools and resources only; the delegate sets the terms of its own task',
  );
}

async function requireHandOffAllowed(context: AppContext, command: HandOffCommand, parent: ResolvedToken) {
  const { agent, request, delegateTo } = command;
  if (parent.token.kind === 'handoff' || parent.task.clientId !== agent.clientId) {
    throw new DomainError('actor_not_permitted', 'only the client of the task may hand it off');
  }
  if (request.parentTaskId !== undefined && request.parentTaskId !== parent.task.taskId) {
    throw new DomainError('parent_mismatch', 'parent_task_id is not the task of the parent token');
  }
  if (parent.task.leaf)
    throw new DomainError('leaf_task', 'a task issued under a challenge waiver has no children');
  if (parent.task.maxDepth <= 0)
    throw new DomainError('max_depth_exceeded', 'the task allows no further level below it');
  requireSameKey(parent.token, request);
  requireSameProcess(parent.task, request);
  const named =
    parent.task.delegates.includes(delegateTo) ||
    isPairAllowed(context, { step: 'hand_off', agent, request, parent, child: delegateTo });
  if (!named || !(await context.store.agents.byId(delegateTo))) {
    throw new DomainError('actor_not_permitted', 'delegate_to is not among the delegates of the task');
  }
}
