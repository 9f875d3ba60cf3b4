import { DomainError } from '../../domain/errors.ts';
import { type EndedState, type Task, taskState } from '../../domain/task.ts';
import { auditEvent, type Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { revocationOf } from '../tokens/revocation-entry.ts';
import type { Change } from '../unit-of-work.ts';

const AFFECTED_CAP = 1000;

export interface EndTaskCommand {
  readonly caller: Caller;
  readonly task: Task;
  readonly as: EndedState;
  readonly reason: string | null;
}

export interface EndedTask {
  readonly task_id: string;
  readonly state: EndedState;
  /** Unexpired tokens below, at most 1,000. */
  readonly affected_child_tokens: number;
  readonly affected_truncated: boolean;
}

const EVENT = { completed: 'task_completed', failed: 'task_failed', revoked: 'task_revoked' } as const;

/**
 * Completes, fails or revokes a task: one ledger row ends it and everything below it (R2). Revoking works at any
 * time; completing and failing need an active task.
 * @throws DomainError `task_not_active`.
 */
export async function endTask(
  context: AppContext,
  { caller, task, as, reason }: EndTaskCommand,
): Promise<EndedTask> {
  const notActive = new DomainError('task_not_active', `the task is ${taskState(task, context.clock.now())}`);
  if (as !== 'revoked' && taskState(task, context.clock.now()) !== 'active') throw notActive;
  const entry = revocationOf(context, caller, {
    kind: 'task',
    handle: task.handle,
    reason,
    expiresAt: task.expiresAt,
  });
  await context.store.commit({
    id: context.ids.ordered(context.clock.now()),
    guards: caller.standsOn ?? [],
    changes: [
      {
        do: 'end_task',
        handle: task.handle,
        state: as,
        reason,
        at: context.clock.now(),
        miss: as === 'revoked' ? null : notActive,
      },
      { do: 'revoke', entry },
      ...(task.origin === 'authorization_code' ? [consentOf(task)] : []),
    ],
    events: [
      auditEvent(context, caller, {
        type: EVENT[as],
        clientId: task.clientId,
        userId: task.subjectKind === 'user' ? task.subject : null,
        taskId: task.taskId,
        parentTaskId: task.parentTaskId,
        reason,
      }),
    ],
  });
  const affected = await context.store.tokens.countBelow(
    { handle: task.handle },
    context.clock.now(),
    AFFECTED_CAP,
  );
  return {
    task_id: task.taskId,
    state: as,
    affected_child_tokens: Math.min(affected, AFFECTED_CAP),
    affected_truncated: affected > AFFECTED_CAP,
  };
}

/** One approval opens one task: with it the approval has ended, and is listed no more. */
function consentOf({ grant }: Task): Change {
  return { do: 'delete_artifact', model: 'Grant', id: grant, miss: null };
}
