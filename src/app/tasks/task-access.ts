import { DomainError } from '../../domain/errors.ts';
import type { Task } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import type { ResolvedToken } from '../tokens/resolve-token.ts';

/** Who wants something of a task. */
export interface TaskVisitor {
  /** A live access token. */
  readonly bearer: ResolvedToken;
  /** The token is an administrator's and holds the right that the action needs. */
  readonly administrator: boolean;
}

/**
 * The task, for an administrator, for the holder of a token of this very task, or of an ancestor of it.
 * @throws DomainError `not_found` for anyone else: whether the task exists is not told.
 */
export async function requireVisibleTask(
  { store }: AppContext,
  { bearer, administrator }: TaskVisitor,
  taskId: string,
): Promise<Task> {
  const task = await store.tasks.byTaskId(taskId);
  const own = bearer.task.handle;
  const visible =
    task && (administrator || task.handle === own || task.lineage.some((ancestor) => ancestor.task === own));
  if (!visible) throw new DomainError('not_found', 'there is no such task');
  return task;
}
