import type { AuditEventType } from '../../domain/audit-event.ts';
import { DomainError } from '../../domain/errors.ts';
import { policyFacts, type Ruling } from '../../domain/policy/ruling.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Task } from '../../domain/task.ts';
import type { Audience } from '../../domain/task-request.ts';
import { auditEvent } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { grantFacts, type Issued, type TokenCommand, taskFacts, tokenFacts } from './issuance.ts';
import { liveGuard, liveParent, type MintedToken, mintToken } from './issue-token.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';
import type { Change } from '../unit-of-work.ts';

export interface NewTask {
  readonly task: Task;
  /** `aud` of the first access token; null for a token that only /userinfo takes. */
  readonly audience: Audience | null;
  readonly parent?: ResolvedToken | undefined;
  /** What redeems the request: a code or a hand-off token consumed in the same unit. */
  readonly redeems?: readonly Change[];
  readonly issuedAs?: AuditEventType;
  /** What the operator's policies said; the task is within it already. */
  readonly ruling: Ruling;
  /** What the task was narrowed from: the scope of its `via` token, not of a voucher made from that one. */
  readonly narrowedFrom?: Scope | undefined;
}

/** Mints the first tokens of a new task and commits task, tokens and audit events in one unit of work. */
export async function commitNewTask(
  context: AppContext,
  command: TokenCommand,
  plan: NewTask,
): Promise<Issued> {
  const { task, parent, ruling } = plan;
  const { access, refresh } = await mintFirst(context, command, plan);
  const reasons = { ...grantFacts(command.agent, task, access), ...policyFacts(ruling) };
  const facts = tokenFacts(task, access, refresh, reasons);
  const derivation = parent
    ? { via: task.parentTokenId, parent_scope: plan.narrowedFrom ?? parent.token.scope }
    : {};
  await context.store.commit({
    id: context.ids.ordered(context.clock.now()),
    guards: [liveGuard(access.token, task), ...(parent ? [liveParent(parent)] : [])],
    changes: [
      ...(command.apiKey ? [useOfKey(context, command.apiKey, task)] : []),
      ...(plan.redeems ?? []),
      ...(parent ? [countChild(parent)] : []),
      { do: 'insert_task', task, miss: taskIdTaken(task.taskId) },
      { do: 'insert_token', token: access.token },
      ...(refresh ? [{ do: 'insert_token' as const, token: refresh.token }] : []),
    ],
    events: [
      auditEvent(context, command.caller, {
        ...facts,
        type: parent ? 'task_derived' : 'task_opened',
        tokenId: null,
        details: { ...taskFacts(task), ...derivation, ...policyFacts(ruling) },
      }),
      auditEvent(context, command.caller, { ...facts, type: plan.issuedAs ?? 'token_issued' }),
      ...(command.apiKey
        ? [
            auditEvent(context, command.caller, {
              ...facts,
              type: 'agent_verified',
              details: { key_id: command.apiKey.keyId },
            }),
          ]
        : []),
    ],
  });
  return { task, access, refresh };
}

async function mintFirst(
  context: AppContext,
  command: TokenCommand,
  { task, audience }: NewTask,
): Promise<{ access: MintedToken; refresh: MintedToken | undefined }> {
  const { limits } = context.settings;
  const now = context.clock.now();
  const order = { task, authority: task, keyThumbprint: task.keyThumbprint, detailed: command.detailed };
  const access = await mintToken(context, {
    ...order,
    kind: 'access',
    audience,
    expiresAt: now + limits.accessTokenSeconds * 1000,
  });
  // ADR 19: a leaf that an API key opened is refreshed without a verifier, each refresh token once.
  const refreshable = !task.leaf || task.origin === 'api_key';
  if (!command.refreshAllowed || !refreshable) return { access, refresh: undefined };
  const refresh = await mintToken(context, {
    ...order,
    kind: 'refresh',
    audience: null,
    expiresAt: now + limits.refreshTokenSeconds * 1000,
  });
  return { access, refresh };
}

function countChild({ task }: ResolvedToken): Change {
  const miss = new DomainError('fanout_exceeded', 'the parent task takes no further child');
  return { do: 'count_child', handle: task.handle, miss };
}

/** The key must still work when the task is opened: whoever ends the key finds the task, or there is none. */
function useOfKey({ clock }: AppContext, { keyId }: { readonly keyId: string }, task: Task): Change {
  const miss = new DomainError('grant_revoked', 'the API key was ended meanwhile');
  return { do: 'use_api_key', keyId, clientId: task.clientId, task, at: clock.now(), miss };
}

export function taskIdTaken(taskId: string): DomainError {
  return new DomainError('task_id_taken', `task_id ${taskId} is taken`, { task_id: taskId });
}
