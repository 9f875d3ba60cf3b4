import type { Task, TaskState } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';
import type { TaskFilter } from '../ports/tasks.ts';
import { requireVisibleTask, type TaskVisitor } from './task-access.ts';
import { effectiveTaskState, effectiveTaskStates } from './task-liveness.ts';

/** A task in the state that counts: what an ancestor's end did to it included. */
export interface ViewedTask {
  readonly task: Task;
  readonly state: TaskState;
}

/** @throws DomainError `not_found`. */
export async function viewTask(
  context: AppContext,
  visitor: TaskVisitor,
  taskId: string,
): Promise<ViewedTask> {
  const task = await requireVisibleTask(context, visitor, taskId);
  return { task, state: await effectiveTaskState(context, task) };
}

/** Newest first. */
export async function searchTasks(
  context: AppContext,
  filter: Omit<TaskFilter, 'now'>,
  page: Page,
): Promise<Paged<ViewedTask>> {
  const found = await context.store.tasks.search({ ...filter, now: context.clock.now() }, page);
  return { items: await viewedAll(context, found.items), next: found.next };
}

/** One query of the ledger for all of them. */
export async function viewedAll(context: AppContext, tasks: readonly Task[]): Promise<ViewedTask[]> {
  const states = await effectiveTaskStates(context, tasks);
  return tasks.map((task, i) => ({ task, state: states[i] ?? 'revoked' }));
}
