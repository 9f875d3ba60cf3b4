import type { AccessTask } from './access.ts';
import { type Refused, taskMismatch, taskUnstated } from './refusal.ts';
import { headerOf, type ResourceRequest } from './request.ts';

/** What the server takes for an id of a task. */
const TASK_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/**
 * Compares what a caller says of its task with what its token says: `X-Task-ID`, `X-Parent-Task-ID` and
 * `X-Parent-Token-ID`. Nothing is taken from the headers: they show a caller that has mixed up its tokens.
 */
export function checkTaskContext(
  request: ResourceRequest,
  task: AccessTask,
  required: boolean,
): Refused | undefined {
  const stated = headerOf(request, 'x-task-id');
  if (stated === undefined && required) return taskUnstated('task_required');
  if (stated !== undefined && !TASK_ID.test(stated)) return taskUnstated('task_malformed');
  if (stated !== undefined && stated !== task.id) return taskMismatch('X-Task-ID', 'the task of the token');
  const parentTask = headerOf(request, 'x-parent-task-id');
  if (parentTask !== undefined && parentTask !== task.parentId) {
    return taskMismatch('X-Parent-Task-ID', 'the parent of that task');
  }
  const parentToken = headerOf(request, 'x-parent-token-id');
  if (parentToken !== undefined && parentToken !== task.parentTokenId) {
    return taskMismatch('X-Parent-Token-ID', 'the token that the task was derived through');
  }
  return undefined;
}
