import { type Ceiling, ceilingOf, requireActive } from '../../domain/agent.ts';
import { requireNames, requireWithinCeiling, stillUsable } from '../../domain/ceiling.ts';
import { DomainError } from '../../domain/errors.ts';
import { IDENTITY_SCOPES, namedAgain, rightsOf } from '../../domain/identity-scope.ts';
import { boundExpiry, policyFacts, type Ruling } from '../../domain/policy/ruling.ts';
import { intersect } from '../../domain/scope.ts';
import type { Authority, Task } from '../../domain/task.ts';
import type { Audience } from '../../domain/task-request.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import { requireSameKey, requireSameProcess } from '../../domain/verifier.ts';
import { auditEvent, unitOf } from '../audit/audit-trail.ts';
import { CLOCKS_DIFFER_MS } from '../remove-expired.ts';
import { namedOrLeft } from '../resource-servers/audiences.ts';
import type { AppContext } from '../context.ts';
import { grantFacts, type Issued, type TokenCommand, tokenFacts } from './issuance.ts';
import { liveGuard, liveSource, type MintedToken, mintToken } from './issue-token.ts';
import { ofTask, requirePolicies } from './require-policies.ts';
import { rightsOfSubject } from './subject-rights.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import { endingOf } from '../tokens/revoke-grant.ts';
import { type ResolvedToken, resolveToken } from '../tokens/resolve-token.ts';
import { ROTATED_MEANWHILE } from '../unit-of-work.ts';

export interface RefreshCommand extends TokenCommand {
  readonly refreshToken: string;
}

/**
 * Rotates a refresh token (OAuth 2.1 §4.3.1). Within the grace window a replay gets a sibling of the same family
 * and generation, so that parallel sessions survive; after it, the whole family ends.
 * @throws DomainError `grant_invalid`, `grant_expired`, `grant_revoked`, `grant_replayed`, or what narrowing refuses.
 */
export async function refreshTask(context: AppContext, command: RefreshCommand): Promise<Issued> {
  requireActive(command.agent);
  const found = await requireOwnRefreshToken(context, command);
  if (found.task.subjectKind === 'user' && found.task.origin === 'authorization_code')
    requireSameKey(found.token, command.request);
  else requireSameProcess(found.task, command.request);
  if (found.token.consumedAt !== null) {
    await refuseLateReplay(context, command, found);
    return issueRefreshed(context, command, found, 'sibling');
  }
  try {
    return await issueRefreshed(context, command, found, 'rotation');
  } catch (error) {
    if (error !== ROTATED_MEANWHILE) throw error;
    // Another request rotated it between our read and our commit: that is a replay too.
    const again = await requireOwnRefreshToken(context, command);
    await refuseLateReplay(context, command, again);
    return issueRefreshed(context, command, again, 'sibling');
  }
}

async function requireOwnRefreshToken(context: AppContext, { refreshToken, agent }: RefreshCommand) {
  const found = await resolveToken(context, refreshToken);
  if (!found || found.token.kind !== 'refresh' || found.token.clientId !== agent.clientId) {
    throw new DomainError('grant_invalid', 'the refresh token is unknown or belongs to another client');
  }
  requireUnended(found);
  return found;
}

/** One that was used has not ended: what becomes of it is for whoever rotates it to say. */
export function requireUnended({ liveness, task }: ResolvedToken): void {
  if (liveness === 'expired')
    throw new DomainError('grant_expired', 'the refresh token or its task has expired');
  if (liveness === 'task_ended') throw new DomainError('task_not_active', `the task is ${task.state}`);
  if (liveness === 'revoked')
    throw new DomainError('grant_revoked', 'the refresh token or something it depends on was revoked');
}

/** Outside the grace window a replay ends the family (R14: in a unit of its own, which survives the refusal). */
async function refuseLateReplay(
  context: AppContext,
  command: RefreshCommand,
  { token, task }: ResolvedToken,
) {
  if (isRepeatedInTime(token, context.clock.now(), 1000 * graceSeconds(context, task))) return;
  const entry = revocationOf(context, command.caller, {
    kind: 'grant',
    handle: task.grant,
    reason: 'refresh token replayed',
    expiresAt: task.expiresAt,
  });
  const unit = unitOf(context, command.caller, endingOf(entry), {
    type: 'token_replayed',
    outcome: 'refused',
    clientId: token.clientId,
    tokenId: token.tokenId,
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
    reason: 'refresh token replayed: its family was revoked',
  });
  await context.store.commit({ ...unit, outlivesRefusal: true });
  throw new DomainError('grant_replayed', 'the refresh token was used before; its family has been revoked');
}

/**
 * Where nothing may be repeated no clock is asked: this one may be behind the one that it was used by. Nor does it last
 * for as long as a clock was set back.
 */
function isRepeatedInTime({ consumedAt }: TaskToken, now: number, graceMs: number): boolean {
  const passed = consumedAt === null ? 0 : now - consumedAt;
  return graceMs > 0 && passed < graceMs && -passed <= CLOCKS_DIFFER_MS;
}

/** ADR 19: nothing but the token itself is shown by whoever refreshes an unbound task, so it works exactly once. */
function graceSeconds({ settings }: AppContext, task: Task): number {
  const unbound = task.codeChallenge === null && task.keyThumbprint === null;
  return task.origin === 'api_key' && unbound ? 0 : settings.limits.refreshGraceSeconds;
}

async function issueRefreshed(
  context: AppContext,
  command: RefreshCommand,
  found: ResolvedToken,
  mode: 'rotation' | 'sibling',
): Promise<Issued> {
  const now = context.clock.now();
  const { token, task } = found;
  const { authority, audience } = await narrowToRequest(context, command, { token, task });
  const { agent } = command;
  const ruling = await requirePolicies(context, { ...ofTask(task), step: 'refresh', agent, authority });
  const renewal = { token, task, authority, audience, ruling };
  const { access, refresh } = await mintPair(context, command, renewal);
  const reasons = { ...grantFacts(agent, task, access), ...policyFacts(ruling) };
  const facts = tokenFacts(task, access, refresh, reasons);
  await context.store.commit({
    id: context.ids.ordered(context.clock.now()),
    guards: [
      liveGuard(access.token, task),
      liveSource(token, {
        revoked: new DomainError('grant_revoked', 'the refresh token was revoked meanwhile'),
        expired: new DomainError('grant_expired', 'the refresh token has expired meanwhile'),
      }),
    ],
    changes: [
      {
        do: 'require_active_task',
        handle: task.handle,
        miss: new DomainError('task_not_active', 'the task has ended'),
      },
      ...(mode === 'rotation'
        ? [
            {
              do: 'consume_token' as const,
              tokenId: token.tokenId,
              at: now,
              redeemedAs: null,
              miss: ROTATED_MEANWHILE,
            },
          ]
        : []),
      { do: 'insert_token', token: access.token },
      { do: 'insert_token', token: refresh.token },
    ],
    events: [
      auditEvent(context, command.caller, {
        ...facts,
        type: 'token_refreshed',
        details: { ...facts.details, rotated: token.tokenId, generation: refresh.token.generation, mode },
      }),
    ],
  });
  return { task, access, refresh };
}

interface Renewal {
  readonly token: TaskToken;
  readonly task: Task;
  readonly authority: Authority;
  readonly audience: Audience | null;
  readonly ruling: Ruling;
}

async function mintPair(
  context: AppContext,
  command: RefreshCommand,
  { token, task, authority, audience, ruling }: Renewal,
): Promise<{ access: MintedToken; refresh: MintedToken }> {
  const { limits } = context.settings;
  const now = context.clock.now();
  const order = { task, keyThumbprint: token.keyThumbprint, detailed: token.detailed || command.detailed };
  const access = await mintToken(context, {
    ...order,
    kind: 'access',
    authority,
    audience,
    expiresAt: boundExpiry(now + limits.accessTokenSeconds * 1000, ruling),
  });
  // The new refresh token keeps the family's grant: a narrower access token does not narrow the family.
  const refresh = await mintToken(context, {
    ...order,
    kind: 'refresh',
    authority: token,
    audience: null,
    expiresAt: boundExpiry(now + limits.refreshTokenSeconds * 1000, ruling),
    generation: token.generation + 1,
  });
  return { access, refresh };
}

async function narrowToRequest(
  context: AppContext,
  { request, resources, agent }: RefreshCommand,
  { token, task }: Pick<ResolvedToken, 'token' | 'task'>,
) {
  const ofPerson = request.scope && task.subjectKind === 'user';
  const scope = ofPerson ? namedAgain(request.scope, token.scope) : request.scope;
  requireNames(token.scope, scope, 'scope_not_subset', 'wider than the refresh token');
  requireNames(token.tools, request.tools, 'details_not_subset', 'tools wider than the refresh token');
  requireNames(
    token.resources,
    request.resources,
    'details_not_subset',
    'resources wider than the refresh token',
  );
  const held = ceilingOf(agent);
  const ceiling: Ceiling = { ...held, rights: [...held.rights, ...IDENTITY_SCOPES] };
  const asked = await namedOrLeft(context, resources, () => stillUsable(ceiling, token.audiences));
  const audiences = asked.map(({ audience }) => audience);
  const refused = audiences.filter((audience) => !token.audiences.includes(audience));
  if (refused.length > 0)
    throw new DomainError('audience_not_subset', `the grant is not for ${refused.join(' ')}`, { refused });
  // The ceiling may have been lowered since: what the agent or the person lost is not got again by refreshing.
  const kept = intersect(token.scope, ceiling.rights);
  const person = await rightsOfSubject(context, task);
  const authority: Authority = {
    scope: scope ?? (person ? intersect(kept, [...person, ...IDENTITY_SCOPES]) : kept),
    audiences,
    tools: request.tools ?? intersect(token.tools, ceiling.tools),
    resources: request.resources ?? intersect(token.resources, ceiling.resources),
  };
  // Not `kept`: by `*:read` and `crm:*` both may name crm:read, which neither of them does.
  requireWithinCeiling(ceiling, { ...request, scope, audiences });
  if (person) {
    requireNames(person, rightsOf(scope ?? []), 'scope_exceeds_ceiling', 'the person may no longer grant');
  }
  return { authority, audience: asked[0] ?? null };
}
