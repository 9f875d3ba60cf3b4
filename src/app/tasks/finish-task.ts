import { DomainError } from '../../domain/errors.ts';
import type { Task } from '../../domain/task.ts';
import { requireSameProcess } from '../../domain/verifier.ts';
import type { Caller } from '../audit/audit-trail.ts';
import type { AppContext } from '../context.ts';
import { type EndedTask, endTask } from './end-task.ts';
import { requireVisibleTask, type TaskVisitor } from './task-access.ts';
import { requireLiveTask } from './task-liveness.ts';

export interface FinishTaskCommand {
  readonly caller: Caller;
  readonly visitor: TaskVisitor;
  readonly taskId: string;
  readonly as: 'completed' | 'failed';
  readonly reason: string | null;
  /** RFC 7636 `code_verifier` of the task (R7). */
  readonly codeVerifier: string | undefined;
  /** RFC 7638 thumbprint of the key that the request proves. */
  readonly keyThumbprint: string | undefined;
}

/**
 * Completes or fails a task from within: only the process that started it, or an administrator, may say how it ended.
 * @throws DomainError `not_found`, `forbidden`, `verifier_mismatch`, `key_mismatch` or `task_not_active`.
 */
export async function finishTask(context: AppContext, command: FinishTaskCommand): Promise<EndedTask> {
  const { visitor, caller, as, reason } = command;
  const task = await requireVisibleTask(context, visitor, command.taskId);
  if (!visitor.administrator) requireOwnProcess(context, command, task);
  await requireLiveTask(context, task);
  return endTask(context, { caller, task, as, reason });
}

function requireOwnProcess({ digests }: AppContext, command: FinishTaskCommand, task: Task): void {
  if (command.visitor.bearer.task.handle !== task.handle) {
    throw new DomainError('forbidden', 'only a token of the task itself can complete or fail it');
  }
  // R7: a code-flow task is bound to the person's authorization; there is no process to prove.
  if (task.origin === 'authorization_code') return;
  const { codeVerifier, keyThumbprint } = command;
  requireSameProcess(task, {
    answer: codeVerifier === undefined ? undefined : digests.sha256(codeVerifier),
    keyThumbprint,
  });
}
