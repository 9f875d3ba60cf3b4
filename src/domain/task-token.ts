import { type Actor, actorOf } from './actor.ts';
import type { Authority, Task } from './task.ts';

export type TokenKind = 'access' | 'refresh' | 'handoff';

/** A token as the server remembers it; its value is never kept. Times are milliseconds since the epoch. */
export interface TaskToken extends Authority {
  /** R3: public random id, used in via, ledger, audit and API; never accepted as a token. */
  readonly tokenId: string;
  readonly kind: TokenKind;
  /** SHA-256 of the opaque value; null for a JWT, whose `jti` is the token_id. */
  readonly digest: string | null;
  /** SHA-256 of a JWT as it was issued; null for opaque values, and for JWTs of releases before 0.2. */
  readonly jwtDigest: string | null;
  readonly format: 'jwt' | 'opaque';
  readonly taskHandle: string;
  readonly taskId: string;
  readonly parentTaskId: string | null;
  readonly parentTokenId: string | null;
  readonly clientId: string;
  readonly subject: string;
  /** `aud`: one of `audiences`, the issuer for hand-off tokens, null for refresh and userinfo tokens. */
  readonly audience: string | null;
  readonly grant: string;
  /** For hand-off tokens: the only client that may derive from it (R8). */
  readonly delegateTo: string | null;
  /** For consumed hand-off tokens: the handle of the task that was derived. */
  readonly redeemedAs: string | null;
  /** Asked in the RFC 9396 form: the answer carries `authorization_details` too. */
  readonly detailed: boolean;
  /** For refresh tokens: how often the family has rotated. */
  readonly generation: number;
  readonly consumedAt: number | null;
  readonly keyThumbprint: string | null;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly revocationReason: string | null;
  /** Its place in a status list, for JWTs that were issued while there were any. */
  readonly statusList: string | null;
  readonly statusIndex: number | null;
}

/** `act` for tokens of a task (R6). */
export function taskActor(task: Pick<Task, 'subject' | 'clientId' | 'lineage'>): Actor | undefined {
  return actorOf({
    subject: task.subject,
    clients: [...task.lineage.map((ancestor) => ancestor.client), task.clientId],
  });
}

/**
 * The `task` member of JWTs, token responses and introspection (R5). `expires_at` is seconds since the epoch.
 *
 * INVARIANT: with `jti`, `sub` and `client_id` it names everything that `tokenDependencies` does, so that whoever holds
 * the ledger can tell offline whether the token is live (docs/lineage.md).
 */
export function taskClaim(task: Task) {
  return {
    id: task.taskId,
    handle: task.handle,
    grant: task.grant,
    epoch: task.clientEpoch,
    subject: { kind: task.subjectKind, epoch: task.subjectEpoch },
    root: task.rootTaskId,
    ...(task.parentTaskId === null ? {} : { parent: { id: task.parentTaskId, depth: task.depth - 1 } }),
    depth: task.depth,
    lineage: task.lineage,
    expires_at: Math.floor(task.expiresAt / 1000),
  };
}

/** The `task` member of a token's own JWT: a hand-off token depends on the token that it was made from, too. */
export function tokenTaskClaim(
  { kind, parentTokenId }: Pick<TaskToken, 'kind' | 'parentTokenId'>,
  task: Task,
) {
  const via = kind === 'handoff' && parentTokenId !== null ? { via: parentTokenId } : {};
  return { ...taskClaim(task), ...via };
}
