import type { AppContext } from '../context.ts';
import type { Page, Paged } from '../ports/page.ts';
import { requireVisibleTask, type TaskVisitor } from './task-access.ts';
import { type ViewedTask, viewedAll } from './view-task.ts';

/**
 * The task and everything below it, each parent before its children (R20).
 * @throws DomainError `not_found`.
 */
export async function viewSubtree(
  context: AppContext,
  visitor: TaskVisitor,
  taskId: string,
  page: Page,
): Promise<Paged<ViewedTask>> {
  const top = await requireVisibleTask(context, visitor, taskId);
  const found = await context.store.tasks.subtree(top.handle, page);
  return { items: await viewedAll(context, found.items), next: found.next };
}
