import { DomainError } from '../../domain/errors.ts';
import type { HandleKind } from '../../domain/revocation.ts';
import type { Caller } from '../audit/audit-trail.ts';
import { unitOf } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from './resolve-token.ts';
import { revocationOf } from './revocation-entry.ts';
import { endingOf } from './revoke-grant.ts';
import type { Change, UnitOfWork } from '../unit-of-work.ts';

/** R2: counting stops here. */
const AFFECTED_CAP = 1000;

type Target = Pick<ResolvedToken, 'token' | 'task'>;

export interface RevokeTokenCommand {
  readonly caller: Caller;
  readonly target: Target;
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
  const target = await endToken(context, command);
  const affected = command.revokeChildren ? await countAffected(context, target) : 0;
  return {
    revoked: true,
    token_id: target.token.tokenId,
    affected_child_tokens: Math.min(affected, AFFECTED_CAP),
    affected_truncated: affected > AFFECTED_CAP,
  };
}

/**
 * Answers the token as it was when it ended. A hand-off token may be used between our read and our commit, and an
 * authorization makes a task with a grant of its own of it: the token is read again, and that task ends with it.
 */
async function endToken(context: AppContext, command: RevokeTokenCommand): Promise<Target> {
  const { target } = command;
  const miss = new DomainError('conflict', 'the token was used meanwhile: try again');
  try {
    await context.store.commit(revocation(context, command, miss));
    return target;
  } catch (error) {
    const used = error === miss ? await context.store.tokens.byId(target.token.tokenId) : undefined;
    if (!used) throw error;
    const asUsed = { ...target, token: used };
    await context.store.commit(revocation(context, { ...command, target: asUsed }, miss));
    return asUsed;
  }
}

function revocation(context: AppContext, command: RevokeTokenCommand, miss: DomainError): UnitOfWork {
  const { target, caller, reason, revokeChildren } = command;
  const { token, task } = target;
  const { tokenId, redeemedAs } = token;
  const at = context.clock.now();
  const marked: Change = { do: 'mark_token_revoked', tokenId, redeemedAs, reason, at, miss };
  return unitOf(context, caller, [...endings(context, command), marked], {
    type: 'token_revoked',
    clientId: token.clientId,
    userId: task.subjectKind === 'user' ? task.subject : null,
    tokenId,
    taskId: task.taskId,
    parentTaskId: task.parentTaskId,
    reason,
    details: { revoke_children: revokeChildren, kind: token.kind },
  });
}

/**
 * A refresh token stands for its whole family (RFC 7009 §2.1: the tokens of the same grant go with it); a hand-off
 * token is the grant of the task that is derived with it, or was consumed by an authorization with a grant of its own.
 */
function endings(
  context: AppContext,
  { target, caller, reason, revokeChildren }: RevokeTokenCommand,
): Change[] {
  const { token, task } = target;
  const entryOf = (kind: HandleKind, handle: string) =>
    revocationOf(context, caller, { kind, handle, reason, expiresAt: task.expiresAt });
  const ending = (kind: HandleKind, handle: string): Change => ({
    do: 'revoke',
    entry: entryOf(kind, handle),
  });
  if (!revokeChildren) return [ending('token_self', token.tokenId)];
  const own = ending('token', token.tokenId);
  if (token.kind === 'refresh') return [own, ...endingOf(entryOf('grant', token.grant))];
  if (token.kind !== 'handoff') return [own];
  const used = token.redeemedAs === null ? [] : [ending('task', token.redeemedAs)];
  return [own, ending('grant', token.tokenId), ...used];
}

async function countAffected({ store, clock }: AppContext, { token, task }: Target): Promise<number> {
  if (token.redeemedAs !== null) {
    const own = await store.tokens.ofTask(token.redeemedAs);
    const below = await store.tokens.countBelow({ handle: token.redeemedAs }, clock.now(), AFFECTED_CAP);
    return own.filter(({ expiresAt }) => expiresAt > clock.now()).length + below;
  }
  const below =
    token.kind === 'refresh' ? { handle: task.handle } : { handle: task.handle, via: token.tokenId };
  return store.tokens.countBelow(below, clock.now(), AFFECTED_CAP);
}
