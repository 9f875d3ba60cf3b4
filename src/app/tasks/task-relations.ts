import { formatScope } from '../../domain/scope.ts';
import type { Task } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import { taskHistory } from './task-history.ts';
import { effectiveTaskStates } from './task-liveness.ts';

const MOST = 100;

export interface TaskSummary {
  readonly task_id: string;
  readonly parent_task_id: string | null;
  readonly client_id: string;
  readonly scope: string;
  readonly state: string;
  /** Seconds since the epoch. */
  readonly expires_at: number;
}

/** The tasks above a task that are still kept, root first. */
export async function ancestorsOf({ store }: AppContext, { lineage }: Task): Promise<readonly Task[]> {
  const found = await store.tasks.byHandles(lineage.map((ancestor) => ancestor.task));
  return [...found].sort((a, b) => a.depth - b.depth);
}

/** The lineage of a task with the task itself, root first. */
export async function taskChain(context: AppContext, task: Task): Promise<readonly TaskSummary[]> {
  return summaries(context, [...(await ancestorsOf(context, task)), task]);
}

/** Direct children, oldest first, at most 100. */
export async function childrenOf(context: AppContext, task: Task): Promise<readonly TaskSummary[]> {
  const { items } = await context.store.tasks.children(task.handle, { limit: MOST });
  return summaries(context, items);
}

/** What happened to a task, oldest first, at most 100 events. `timestamp` is ISO 8601. */
export async function historySummary(context: AppContext, task: Task) {
  const { items } = await taskHistory(context, task.taskId, { limit: MOST });
  return items.map((event) => ({
    event_type: event.type,
    timestamp: new Date(event.at).toISOString(),
    status: event.outcome,
    client_id: event.clientId,
    token_id: event.tokenId,
    reason: event.reason,
  }));
}

async function summaries(context: AppContext, tasks: readonly Task[]): Promise<TaskSummary[]> {
  const states = await effectiveTaskStates(context, tasks);
  return tasks.map((task, i) => ({
    task_id: task.taskId,
    parent_task_id: task.parentTaskId,
    client_id: task.clientId,
    scope: formatScope(task.scope),
    state: states[i] ?? 'active',
    expires_at: Math.floor(task.expiresAt / 1000),
  }));
}
