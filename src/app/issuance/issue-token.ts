import type { Audience } from '../../domain/task-request.ts';
import { DomainError } from '../../domain/errors.ts';
import { basisOf, ownDependencies, TokenBasis } from '../../domain/revocation.ts';
import type { Authority, Task } from '../../domain/task.ts';
import { taskActor, type TaskToken, type TokenKind, tokenTaskClaim } from '../../domain/task-token.ts';
import { formatScope } from '../../domain/scope.ts';
import { statusListUri } from '../revocations/status-list.ts';
import { agentTaskDetails } from './agent-task-details.ts';
import type { AppContext } from '../context.ts';
import type { Guard } from '../unit-of-work.ts';

/** A token that exists nowhere else in clear: the value leaves with the response and is forgotten. */
export interface MintedToken {
  readonly token: TaskToken;
  readonly value: string;
}

export interface TokenOrder {
  readonly kind: TokenKind;
  readonly task: Task;
  readonly authority: Authority;
  /** `aud` and format; null for refresh tokens and for tokens that only /userinfo takes. */
  readonly audience: Audience | null;
  readonly keyThumbprint: string | null;
  /** Milliseconds since the epoch; clamped by the task. */
  readonly expiresAt: number;
  readonly detailed: boolean;
  readonly delegateTo?: string;
  readonly parentTokenId?: string | null;
  readonly generation?: number;
}

/** Mints a token of a task. Nothing is stored: the row goes into the caller's unit of work. */
export async function mintToken(context: AppContext, order: TokenOrder): Promise<MintedToken> {
  const { task, authority, audience, kind } = order;
  const jwt = kind !== 'refresh' && audience?.tokenFormat === 'jwt';
  const secret = jwt ? undefined : context.ids.secret();
  const expiresAt = Math.min(order.expiresAt, task.expiresAt);
  // Hand-off tokens are for this server alone.
  const status = jwt && kind === 'access' ? await context.statusIndexes?.next(expiresAt) : undefined;
  const token: TaskToken = {
    ...authority,
    tokenId: context.ids.ordered(context.clock.now()),
    kind,
    digest: secret === undefined ? null : context.digests.sha256(secret),
    jwtDigest: null,
    format: jwt ? 'jwt' : 'opaque',
    taskHandle: task.handle,
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
    parentTokenId: order.parentTokenId ?? task.parentTokenId,
    clientId: task.clientId,
    subject: task.subject,
    audience: audience?.audience ?? null,
    grant: task.grant,
    delegateTo: order.delegateTo ?? null,
    redeemedAs: null,
    detailed: order.detailed,
    generation: order.generation ?? 0,
    consumedAt: null,
    keyThumbprint: order.keyThumbprint,
    issuedAt: context.clock.now(),
    expiresAt,
    revokedAt: null,
    revocationReason: null,
    statusList: status?.list ?? null,
    statusIndex: status?.index ?? null,
  };
  if (secret !== undefined) return { token, value: secret };
  const value = await context.signer.sign(accessTokenClaims(context, token, task));
  return { token: { ...token, jwtDigest: context.digests.sha256(value) }, value };
}

/** The claims of RFC 9068 §2.2 plus `txn`, `act`, `cnf` and `task` (design §3). Times are seconds. */
function accessTokenClaims(context: AppContext, token: TaskToken, task: Task): Record<string, unknown> {
  const actor = taskActor(task);
  return {
    iss: context.settings.issuer,
    sub: token.subject,
    aud: token.audience,
    client_id: token.clientId,
    iat: Math.floor(token.issuedAt / 1000),
    exp: Math.floor(token.expiresAt / 1000),
    jti: token.tokenId,
    scope: formatScope(token.scope),
    txn: task.rootTaskId,
    ...(token.detailed ? { authorization_details: [agentTaskDetails(token, task)] } : {}),
    ...(token.keyThumbprint ? { cnf: { jkt: token.keyThumbprint } } : {}),
    ...(actor ? { act: actor } : {}),
    task: tokenTaskClaim(token, task),
    ...statusClaim(context, token),
  };
}

/** draft-ietf-oauth-status-list-21 §6.1. */
function statusClaim({ settings }: AppContext, { statusList, statusIndex }: TaskToken) {
  if (statusList === null) return {};
  return { status: { status_list: { idx: statusIndex, uri: statusListUri(settings.issuer, statusList) } } };
}

/** Nothing that the new token depends on may have been revoked when the unit commits (S24). */
export function liveGuard(token: TaskToken, task: Task): Guard {
  return {
    live: new TokenBasis(token, task),
    miss: new DomainError('parent_revoked', 'something that the token would depend on was revoked meanwhile'),
  };
}

/**
 * Neither may the token that the new one comes from, nor may that have expired. INVARIANT: beside a `liveGuard` of a
 * token of the same task or of a child task, which stands on all that this task stands on: only what ends this token
 * alone is left to ask about.
 */
export function liveSource(token: TaskToken, misses: { revoked: DomainError; expired: DomainError }): Guard {
  const { revoked, expired } = misses;
  return {
    live: basisOf(...ownDependencies(token)),
    miss: revoked,
    until: { at: token.expiresAt, miss: expired },
  };
}

/** The same of a parent token. */
export function liveParent({ token }: { readonly token: TaskToken }): Guard {
  return liveSource(token, {
    revoked: new DomainError('parent_revoked', 'the parent token was revoked meanwhile'),
    expired: new DomainError('parent_expired', 'the parent token has expired meanwhile'),
  });
}
