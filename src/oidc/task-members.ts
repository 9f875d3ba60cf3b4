import type { AppContext } from '../app/context.ts';
import type { ResolvedToken } from '../app/tokens/resolve-token.ts';
import { taskState } from '../domain/task.ts';
import { taskActor, taskClaim } from '../domain/task-token.ts';

/** What introspection tells beside the members of RFC 7662: who acts for whom, for which task (design §3). */
export function taskMembers(
  { clock }: Pick<AppContext, 'clock'>,
  { token, task }: ResolvedToken,
): Record<string, unknown> {
  const actor = taskActor(task);
  return {
    sub: token.subject,
    txn: task.rootTaskId,
    ...(actor ? { act: actor } : {}),
    token_id: token.tokenId,
    task_id: task.taskId,
    ...(task.parentTaskId ? { parent_task_id: task.parentTaskId } : {}),
    ...(token.parentTokenId ? { parent_token_id: token.parentTokenId } : {}),
    granted_tools: token.tools,
    granted_resources: token.resources,
    task: { ...taskClaim(task), state: taskState(task, clock.now()), description: task.description },
  };
}
