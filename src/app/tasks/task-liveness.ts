import { DomainError } from '../../domain/errors.ts';
import { endedBy, taskDependencies } from '../../domain/revocation.ts';
import { type Task, type TaskState, taskState } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';

/** The state that counts: a task whose ancestor, agent or subject was cut off is revoked too (R2: computed on read). */
export async function effectiveTaskState(context: AppContext, task: Task): Promise<TaskState> {
  const own = taskState(task, context.clock.now());
  if (own !== 'active') return own;
  const dependencies = taskDependencies(task);
  return endedBy(dependencies, await context.store.ledger.among(dependencies)) ? 'revoked' : 'active';
}

/** The effective states of many tasks with one query of the ledger. */
export async function effectiveTaskStates(
  context: AppContext,
  tasks: readonly Task[],
): Promise<readonly TaskState[]> {
  const dependencies = tasks.map(taskDependencies);
  const ledger = tasks.length === 0 ? [] : await context.store.ledger.among(dependencies.flat());
  const now = context.clock.now();
  return tasks.map((task, i) => {
    const own = taskState(task, now);
    return own === 'active' && endedBy(dependencies[i] ?? [], ledger) ? 'revoked' : own;
  });
}

/** @throws DomainError `task_not_active` unless the task and everything it rests on is live. */
export async function requireLiveTask(context: AppContext, task: Task): Promise<void> {
  const state = await effectiveTaskState(context, task);
  if (state !== 'active') throw new DomainError('task_not_active', `the task is ${state}`, { state });
}
