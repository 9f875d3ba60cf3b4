import type { Caller } from '../audit/audit-trail.ts';
import { unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { endTask } from '../tasks/end-task.ts';
import type { ResolvedToken } from './resolve-token.ts';
import { revocationOf } from './revocation-entry.ts';
import type { Change, LedgerEntry } from '../unit-of-work.ts';

/** R2: counting stops here. */
const AFFECTED_CAP = 1000;

export interface RevokeTokenCommand {
  readonly caller: Caller;
  readonly target: ResolvedToken;
  readonly reason: string | null;
  /** False: end that token only (`token_self`). */
  readonly revokeChildren: boolean;
}

export interface Revoked {
  readonly revoked: true;
  readonly token_id: string;
  /** Unexpired tokens below, at most 1,000. */
  readonly affected_child_tokens: number;
  readonly affected_truncated: boolean;
}

/** Ends a token at once and, unless told otherwise, everything derived through it: one row, whatever hangs below. */
export async function revokeToken(context: AppContext, command: RevokeTokenCommand): Promise<Revoked> {
  const { target, caller, reason } = command;
  const { token, task } = target;
  const at = context.clock.now();
  const changes: Change[] = ledgerEntries(context, command).map((entry) => ({ do: 'revoke', entry }));
  await context.store.commit(
    unitOf(context, caller, [...changes, { do: 'mark_token_revoked', tokenId: token.tokenId, reason, at }], {
      type: 'token_revoked',
      clientId: token.clientId,
      userId: task.subjectKind === 'user' ? task.subject : null,
      tokenId: token.tokenId,
      taskId: task.taskId,
      parentTaskId: task.parentTaskId,
      reason,
      details: { revoke_children: command.revokeChildren, kind: token.kind },
    }),
  );
  const usedAs = command.revokeChildren ? await endLateUse(context, command) : null;
  const affected = command.revokeChildren ? await countAffected(context, target, usedAs) : 0;
  return {
    revoked: true,
    token_id: token.tokenId,
    affected_child_tokens: Math.min(affected, AFFECTED_CAP),
    affected_truncated: affected > AFFECTED_CAP,
  };
}

/**
 * A refresh token stands for its whole family (RFC 7009 §2.1: the tokens of the same grant go with it); a hand-off
 * token is the grant of the task that is derived with it, or was consumed by an authorization with a grant of its own.
 */
function ledgerEntries(
  context: AppContext,
  { target, caller, reason, revokeChildren }: RevokeTokenCommand,
): LedgerEntry[] {
  const { token, task } = target;
  const entry = (kind: 'token' | 'token_self' | 'grant' | 'task', handle: string) =>
    revocationOf(context, caller, { kind, handle, reason, expiresAt: task.expiresAt });
  if (!revokeChildren) return [entry('token_self', token.tokenId)];
  if (token.kind === 'refresh') return [entry('token', token.tokenId), entry('grant', token.grant)];
  if (token.kind !== 'handoff') return [entry('token', token.tokenId)];
  const used = token.redeemedAs === null ? [] : [entry('task', token.redeemedAs)];
  return [entry('token', token.tokenId), entry('grant', token.tokenId), ...used];
}

/**
 * What a hand-off token was used for, by its handle. An authorization may have used it between our read and our commit:
 * its task has another grant, so it is ended here. INVARIANT: once a token is marked as revoked nobody uses it any more.
 */
async function endLateUse(
  context: AppContext,
  { target, caller, reason }: RevokeTokenCommand,
): Promise<string | null> {
  const { tokenId, kind, redeemedAs } = target.token;
  if (kind !== 'handoff' || redeemedAs !== null) return redeemedAs;
  const usedAs = (await context.store.tokens.byId(tokenId))?.redeemedAs ?? null;
  const task = usedAs === null ? undefined : await context.store.tasks.byHandle(usedAs);
  if (task) await endTask(context, { caller, task, as: 'revoked', reason });
  return usedAs;
}

async function countAffected(
  { store, clock }: AppContext,
  { token, task }: ResolvedToken,
  usedAs: string | null,
): Promise<number> {
  if (usedAs !== null) {
    const own = await store.tokens.ofTask(usedAs);
    const below = await store.tokens.countBelow({ handle: usedAs }, clock.now(), AFFECTED_CAP);
    return own.filter(({ expiresAt }) => expiresAt > clock.now()).length + below;
  }
  const below =
    token.kind === 'refresh' ? { handle: task.handle } : { handle: task.handle, via: token.tokenId };
  return store.tokens.countBelow(below, clock.now(), AFFECTED_CAP);
}
