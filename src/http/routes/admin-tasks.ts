import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { searchTasks } from '../../app/tasks/view-task.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId, listAnswer, listOf, pageOf, pageQuery, taskId } from '../fields.ts';
import { TaskRow, taskRow } from '../rows/task-row.ts';

const listTasks = contract({
  method: 'get',
  path: '/api/admin/tasks',
  access: 'admin:read',
  summary: 'Search tasks, newest first.',
  tags: ['Administration: tasks'],
  query: z.strictObject({
    client_id: clientId.optional(),
    subject: clientId.optional(),
    state: z.enum(['active', 'completed', 'failed', 'revoked', 'expired']).optional(),
    root_task_id: taskId.optional(),
    ...pageQuery,
  }),
  returns: { status: 200, body: listOf('tasks', TaskRow) },
});

export function adminTaskRoutes(context: AppContext): BoundRoute[] {
  return [
    route(listTasks, async ({ query }) => {
      const filter = {
        clientId: query.client_id,
        subject: query.subject,
        state: query.state,
        rootTaskId: query.root_task_id,
      };
      return listAnswer('tasks', await searchTasks(context, filter, pageOf(query)), taskRow);
    }),
  ];
}
