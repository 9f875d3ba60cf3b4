import { requireActive } from '../../domain/agent.ts';
import { requireOffered } from '../../domain/ceiling.ts';
import { deriveChild } from '../../domain/delegation.ts';
import { DomainError } from '../../domain/errors.ts';
import { extendLineage } from '../../domain/lineage.ts';
import { boundTerms } from '../../domain/policy/ruling.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Opening } from '../../domain/opening.ts';
import type { Task, TaskOrigin } from '../../domain/task.ts';
import type { Audience } from '../../domain/task-request.ts';
import { resolveAudiences, stillRegistered } from '../resource-servers/audiences.ts';
import { isPairAllowed } from './allowed-pair.ts';
import { commitNewTask } from './commit-issuance.ts';
import type { AppContext } from '../context.ts';
import type { Issued, TokenCommand } from './issuance.ts';
import { asChildOf, requireLiveParent } from './parent-token.ts';
import { requireChildPolicies } from './require-policies.ts';
import { rightsOfSubject } from './subject-rights.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import type { Change } from '../unit-of-work.ts';

export interface DeriveCommand extends TokenCommand {
  /** The presented parent token: an access token of the parent task, or a hand-off token. */
  readonly parentToken: string;
  readonly origin: TaskOrigin;
}

/**
 * Derives a child task: one engine behind token exchange and client_credentials with `parent_token`.
 * INVARIANT: no child is wider, longer, deeper or more alive than its ancestors.
 * @throws DomainError for every rule that the request breaks; nothing is written then.
 */
export async function deriveTask(context: AppContext, command: DeriveCommand): Promise<Issued> {
  requireActive(command.agent);
  const parent = await requireLiveParent(context, command.parentToken);
  return asChildOf(parent, () => deriveFrom(context, command, parent));
}

async function deriveFrom(
  context: AppContext,
  command: DeriveCommand,
  parent: ResolvedToken,
): Promise<Issued> {
  const asked = command.resources.length > 0 ? await resolveAudiences(context, command.resources) : undefined;
  const request = { ...command.request, audiences: asked?.map(({ audience }) => audience) };
  const { agent, publicClient } = command;
  const opening = deriveChild({
    request,
    parentToken: parent.token,
    parentTask: parent.task,
    agent,
    subjectRights: await rightsOfSubject(context, parent.task),
    publicClient,
    pairAllowed: isPairAllowed(context, { step: 'derive', agent, request, parent, child: agent.clientId }),
    limits: context.settings.limits,
    now: context.clock.now(),
  });
  const audience = await audienceOfChild(context, parent, opening);
  if (request.scope) requireOffered(asked ?? [audience], request.scope);
  const ruling = await requireChildPolicies(context, { step: 'derive', agent, parent, opening });
  const place = { depth: parent.task.depth + 1, asked: request.maxDepth };
  const terms = boundTerms(opening.terms, ruling, place);
  const task = childTask(context, command, { parent, opening: { ...opening, terms } });
  return commitNewTask(context, command, {
    task,
    audience,
    parent,
    ruling,
    narrowedFrom: await viaScope(context, parent),
    redeems: redeemHandOff(parent, task, context.clock.now()),
    issuedAs: command.origin === 'token_exchange' ? 'token_exchanged' : 'token_issued',
  });
}

async function viaScope({ store }: AppContext, parent: ResolvedToken): Promise<Scope | undefined> {
  return parent.token.kind === 'handoff' ? (await store.tokens.byId(viaToken(parent)))?.scope : undefined;
}

/** The parent's own `aud` when it is still among the child's audiences, else the first of them that is registered. */
async function audienceOfChild(
  context: AppContext,
  { token }: ResolvedToken,
  opening: Opening,
): Promise<Audience> {
  const { audiences } = opening.authority;
  const ordered = [...audiences].sort((a, b) => Number(b === token.audience) - Number(a === token.audience));
  const [audience] = await stillRegistered(context, ordered);
  if (!audience)
    throw new DomainError('audience_unknown', 'the parent token is for no resource that is registered');
  return audience;
}

interface Derivation {
  readonly parent: ResolvedToken;
  readonly opening: Opening;
}

function childTask(context: AppContext, command: DeriveCommand, { parent, opening }: Derivation): Task {
  const { agent, request, origin } = command;
  const via = viaToken(parent);
  return {
    ...opening.authority,
    ...opening.terms,
    expiresAt: expiryOf(context, command, { parent, opening }),
    handle: context.ids.ordered(context.clock.now()),
    taskId: request.taskId ?? context.ids.ordered(context.clock.now()),
    description: request.description ?? '',
    state: 'active',
    origin,
    clientId: agent.clientId,
    clientEpoch: agent.epoch,
    subject: parent.task.subject,
    subjectKind: parent.task.subjectKind,
    subjectEpoch: parent.task.subjectEpoch,
    grant: grantOfChild(context, parent),
    rootTaskId: parent.task.rootTaskId,
    parentTaskId: parent.task.taskId,
    parentTokenId: via,
    lineage: extendLineage(parent.task, via),
    depth: parent.task.depth + 1,
    childCount: 0,
    createdAt: context.clock.now(),
    endedAt: null,
    endedReason: null,
  };
}

/**
 * Where no refresh and no re-issue is possible, the task ends with its token (design, lifetimes): `task_id` continues
 * an agent's own tasks of client_credentials only (R9).
 */
function expiryOf(context: AppContext, command: DeriveCommand, { parent, opening }: Derivation): number {
  const reissuable = command.origin === 'client_credentials' && parent.task.subjectKind === 'agent';
  if (command.refreshAllowed || reissuable) return opening.terms.expiresAt;
  const tokenEnds = context.clock.now() + context.settings.limits.accessTokenSeconds * 1000;
  return Math.min(opening.terms.expiresAt, tokenEnds);
}

/**
 * A hand-off token is only a voucher: the child hangs on the token that the voucher was made from, so that revoking
 * that one ends the child as well.
 */
export function viaToken({ token }: ResolvedToken): string {
  return token.kind === 'handoff' && token.parentTokenId !== null ? token.parentTokenId : token.tokenId;
}

/**
 * INVARIANT: a hand-off token is the grant of what is derived with it, so that revoking it ends even a child that is
 * being derived at this moment, on whichever node.
 */
function grantOfChild({ ids }: AppContext, { token }: ResolvedToken): string {
  return token.kind === 'handoff' ? token.tokenId : ids.next();
}

/** R8: a hand-off token is used up in the unit that derives from it. */
export function redeemHandOff({ token }: ResolvedToken, task: Task, at: number): Change[] {
  if (token.kind !== 'handoff') return [];
  const miss = new DomainError('parent_revoked', 'the hand-off token has been used or revoked');
  return [{ do: 'consume_token', tokenId: token.tokenId, at, redeemedAs: task.handle, miss }];
}
