import type { Authority, Task } from '../../domain/task.ts';

/** The granted authority as one RFC 9396 object of type `agent_task` (design §3, R12). */
export function agentTaskDetails(
  authority: Authority,
  task: Task,
): { type: string; [member: string]: unknown } {
  return {
    type: 'agent_task',
    identifier: task.taskId,
    actions: authority.tools,
    locations: authority.audiences,
    delegation: {
      max_depth: task.maxDepth,
      max_children: task.maxChildren,
      allowed_delegates: task.delegates,
    },
  };
}
