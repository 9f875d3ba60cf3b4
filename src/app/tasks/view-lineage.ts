import type { AuditEvent } from '../../domain/audit-event.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Task } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import type { Page } from '../ports/page.ts';
import { ancestorsOf } from './task-relations.ts';
import { type ViewedTask, viewedAll } from './view-task.ts';

/** Refused requests for more than the parent has, shown at most per chain. */
const REFUSALS_SHOWN = 200;
const WIDENINGS = { type: 'token_refused', taskError: 'not_subset' } as const;

/** One task of a chain, with the edge that leads to it. */
export interface ChainLink extends ViewedTask {
  /** token_id of the parent's token that it was derived through; null at the root. */
  readonly via: string | null;
  /** What that token held; null at the root, or when neither the token nor its audit event is kept any more. */
  readonly scopeBefore: Scope | null;
  /** Requests for a child of this task that asked for more than it holds, newest first. */
  readonly refused: readonly AuditEvent[];
}

export interface TaskChain {
  readonly rootTaskId: string;
  /** From the root down to the task, then what was derived from it, each parent before its children. */
  readonly links: readonly ChainLink[];
  readonly next: string | null;
}

/**
 * On whose authority a task acts and whom it gave some of it: the ancestors from the true root, the task, and a page
 * of its descendants. Later pages hold descendants only.
 * @throws DomainError `not_found`.
 */
export async function viewLineage(context: AppContext, taskId: string, page: Page): Promise<TaskChain> {
  const { tasks } = context.store;
  const task = await tasks.byTaskId(taskId);
  if (!task) throw new DomainError('not_found', 'there is no such task');
  const ancestors = page.after === undefined ? await ancestorsOf(context, task) : [];
  const below = await tasks.subtree(task.handle, page);
  const links = await chainLinks(context, [...ancestors, ...below.items]);
  return { rootTaskId: task.rootTaskId, links, next: below.next };
}

async function chainLinks(context: AppContext, tasks: readonly Task[]): Promise<ChainLink[]> {
  const taskIds = tasks.map((task) => task.taskId);
  const [views, derived, widenings] = await Promise.all([
    viewedAll(context, tasks),
    context.store.audit.search({ taskIds, type: 'task_derived' }, { limit: Math.max(tasks.length, 1) }),
    context.store.audit.search({ taskIds, ...WIDENINGS }, { limit: REFUSALS_SHOWN }),
  ]);
  const before = new Map(derived.items.map((event) => [event.taskId, event.details['parent_scope']]));
  return views.map(({ task, state }) => ({
    task,
    state,
    via: task.parentTokenId,
    scopeBefore: asScope(before.get(task.taskId)),
    refused: widenings.items.filter((event) => event.taskId === task.taskId),
  }));
}

function asScope(value: unknown): Scope | null {
  return Array.isArray(value) && value.every((right) => typeof right === 'string') ? value : null;
}
