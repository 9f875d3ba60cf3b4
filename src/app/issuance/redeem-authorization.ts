import { ceilingOf, requireActive } from '../../domain/agent.ts';
import { requireNames, requireOffered, requireWithinCeiling } from '../../domain/ceiling.ts';
import { deriveChild } from '../../domain/delegation.ts';
import { DomainError } from '../../domain/errors.ts';
import { rightsOf } from '../../domain/identity-scope.ts';
import { extendLineage } from '../../domain/lineage.ts';
import {
  fanOut,
  HARD_DEPTH_CAP,
  least,
  requestedDepth,
  requireNoParent,
  type Terms,
} from '../../domain/opening.ts';
import { heldRights } from '../../domain/role.ts';
import { boundTerms } from '../../domain/policy/ruling.ts';
import type { Authority, Task } from '../../domain/task.ts';
import type { Audience } from '../../domain/task-request.ts';
import type { User } from '../../domain/user.ts';
import { resolveAudiences } from '../resource-servers/audiences.ts';
import { authorizationSeconds } from './authorization-lifetime.ts';
import { commitNewTask } from './commit-issuance.ts';
import type { AppContext } from '../context.ts';
import { isPairAllowed } from './allowed-pair.ts';
import { redeemHandOff, viaToken } from './derive-task.ts';
import type { Issued, TokenCommand } from './issuance.ts';
import { pairOf, requirePolicies } from './require-policies.ts';
import { assess, type ResolvedToken } from '../tokens/resolve-token.ts';
import type { Change } from '../unit-of-work.ts';

export interface RedeemCommand extends TokenCommand {
  /** The engine's grant id: handle of everything that this authorization leads to. */
  readonly grant: string;
  readonly user: User;
  /** The user's epoch when consent was given. */
  readonly userEpoch: number;
  /** The agent's epoch when consent was given (R4). */
  readonly agentEpoch: number;
  /** What the person consented to. */
  readonly consented: Authority;
  /** token_id of the parent that was checked and replaced at PAR, or null. */
  readonly parentTokenId: string | null;
  /** The challenge of the authorization request: it binds children of the same client (R7). */
  readonly codeChallenge: string;
  /** Consumes the code in the same unit. */
  readonly consume: readonly Change[];
}

/**
 * Opens the task of a redeemed authorization code. Everything that was checked at the authorization endpoint is
 * checked again here (R11).
 * @throws DomainError; nothing is written then.
 */
export async function redeemAuthorization(context: AppContext, command: RedeemCommand): Promise<Issued> {
  const { agent, user } = command;
  requireActive(agent);
  if (user.state !== 'active' || user.epoch !== command.userEpoch) {
    throw new DomainError('grant_revoked', 'the user has been signed out or disabled since');
  }
  if (agent.epoch !== command.agentEpoch)
    throw new DomainError('grant_revoked', 'the agent was cut off since consent');
  const parent = await parentOf(context, command);
  const decision = parent ? derived(context, command, parent) : root(context, command);
  const { authority } = decision;
  const audiences = await resolveAudiences(context, authority.audiences);
  requireOffered(audiences, rightsOf(authority.scope));
  const audience = await chosenAudience(context, command, audiences);
  const depth = parent ? parent.task.depth + 1 : 0;
  const ruling = await requirePolicies(context, {
    step: 'redeem',
    agent,
    authority,
    subjectKind: 'user',
    subject: user.userId,
    depth,
    ...(parent ? pairOf(parent.task.clientId, agent.clientId) : {}),
  });
  const terms = boundTerms(decision.terms, ruling, { depth, asked: command.request.maxDepth });
  const task = authorizedTask(context, command, { authority, terms, parent });
  return commitNewTask(context, command, {
    task,
    parent,
    ruling,
    audience,
    redeems: [...command.consume, ...(parent ? redeemHandOff(parent, task, context.clock.now()) : [])],
  });
}

async function parentOf(
  context: AppContext,
  { parentTokenId, user }: RedeemCommand,
): Promise<ResolvedToken | undefined> {
  if (parentTokenId === null) return undefined;
  const token = await context.store.tokens.byId(parentTokenId);
  const parent = token && (await assess(context, token));
  if (!parent) throw new DomainError('parent_invalid', 'the parent token is gone');
  if (parent.liveness === 'expired') throw new DomainError('parent_expired', 'the parent token has expired');
  if (parent.liveness !== 'live') throw new DomainError('parent_revoked', 'the parent token was revoked');
  if (parent.task.subject !== user.userId) {
    throw new DomainError('subject_mismatch', 'the signed-in user is not the subject of the parent token');
  }
  return parent;
}

interface Decision {
  readonly authority: Authority;
  readonly terms: Terms;
}

function expiryOf(context: AppContext, { request, agent, refreshAllowed }: RedeemCommand): number {
  const { expiresIn } = request;
  const seconds = authorizationSeconds(context.settings.limits, { agent, expiresIn, refreshAllowed });
  return context.clock.now() + seconds * 1000;
}

function root(context: AppContext, command: RedeemCommand): Decision {
  const { agent, request, consented } = command;
  requireNoParent(request);
  requireStillAllowed(command);
  const { limits } = context.settings;
  const depth = Math.min(least(limits.maxDepth, agent.maxDepth), HARD_DEPTH_CAP);
  return {
    authority: consented,
    terms: {
      maxDepth: requestedDepth(request, depth),
      maxChildren: fanOut(request, least(limits.maxChildren, agent.maxChildren)),
      delegates: request.delegates ?? [],
      codeChallenge: command.codeChallenge,
      keyThumbprint: request.keyThumbprint ?? null,
      leaf: false,
      expiresAt: expiryOf(context, command),
    },
  };
}

/** Between consent and redemption an administrator may have lowered what the agent or the person may hold (R11). */
function requireStillAllowed({ agent, user, consented }: RedeemCommand): void {
  const rights = rightsOf(consented.scope);
  requireWithinCeiling(ceilingOf(agent), { ...consented, scope: rights });
  requireNames(heldRights(user), rights, 'scope_exceeds_ceiling', 'the person may no longer grant');
}

/** The parent's limits hold for a person's new authorization below it as for any child. */
function derived(context: AppContext, command: RedeemCommand, parent: ResolvedToken): Decision {
  const { agent, request, consented, publicClient } = command;
  const rights = rightsOf(consented.scope);
  // Identity is no matter of the agent's ceiling, but a child learns no more of the person than its parent.
  requireNames(parent.token.scope, consented.scope, 'scope_not_subset', 'wider than the parent token');
  const opening = deriveChild({
    request: { ...request, ...consented, scope: rights, codeChallenge: command.codeChallenge },
    parentToken: parent.token,
    // The verifier of the parent was answered at PAR, where the parent token was presented (R9).
    parentTask: { ...parent.task, codeChallenge: null },
    agent,
    subjectRights: heldRights(command.user),
    publicClient,
    pairAllowed: isPairAllowed(context, { step: 'redeem', agent, request, parent, child: agent.clientId }),
    limits: context.settings.limits,
    now: context.clock.now(),
  });
  return {
    authority: { ...opening.authority, scope: consented.scope },
    terms: {
      ...opening.terms,
      codeChallenge: command.codeChallenge,
      expiresAt: Math.min(expiryOf(context, command), parent.task.expiresAt),
    },
  };
}

function authorizedTask(
  context: AppContext,
  command: RedeemCommand,
  { authority, terms, parent }: Decision & { parent: ResolvedToken | undefined },
): Task {
  const { agent, user, request } = command;
  const taskId = request.taskId ?? context.ids.ordered(context.clock.now());
  const via = parent ? viaToken(parent) : null;
  return {
    ...authority,
    ...terms,
    handle: context.ids.ordered(context.clock.now()),
    taskId,
    description: request.description ?? '',
    state: 'active',
    origin: 'authorization_code',
    clientId: agent.clientId,
    clientEpoch: command.agentEpoch,
    subject: user.userId,
    subjectKind: 'user',
    subjectEpoch: command.userEpoch,
    grant: command.grant,
    rootTaskId: parent?.task.rootTaskId ?? taskId,
    parentTaskId: parent?.task.taskId ?? null,
    parentTokenId: via,
    lineage: parent && via !== null ? extendLineage(parent.task, via) : [],
    depth: parent ? parent.task.depth + 1 : 0,
    childCount: 0,
    createdAt: context.clock.now(),
    endedAt: null,
    endedReason: null,
  };
}

async function chosenAudience(
  context: AppContext,
  { resources }: RedeemCommand,
  granted: readonly Audience[],
) {
  if (resources.length === 0) return granted[0] ?? null;
  const [asked, ...more] = await resolveAudiences(context, resources);
  if (more.length > 0)
    throw new DomainError('audience_not_subset', 'a token request may name one resource (R12)');
  const found = granted.find(({ audience }) => audience === asked?.audience);
  if (!found) throw new DomainError('audience_not_subset', 'the authorization is not for that resource');
  return found;
}
