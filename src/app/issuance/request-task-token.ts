import type { AppContext } from '../context.ts';
import { deriveTask } from './derive-task.ts';
import type { Issued, TokenCommand } from './issuance.ts';
import { joinTask } from './join-task.ts';
import { openTask } from './open-task.ts';

/**
 * client_credentials: opens a root task, derives a child when a `parent_token` is sent, or joins the task that
 * `task_id` names.
 * @throws DomainError
 */
export async function requestTaskToken(
  context: AppContext,
  command: TokenCommand & { readonly parentToken: string | undefined },
): Promise<Issued> {
  const { request, parentToken } = command;
  const known = request.taskId === undefined ? undefined : await context.store.tasks.byTaskId(request.taskId);
  if (known) return joinTask(context, { ...command, task: known });
  if (parentToken !== undefined)
    return deriveTask(context, { ...command, parentToken, origin: 'client_credentials' });
  return openTask(context, command);
}
