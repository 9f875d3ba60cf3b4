import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { endTask } from '../../app/tasks/end-task.ts';
import { finishTask } from '../../app/tasks/finish-task.ts';
import { requireVisibleTask, type TaskVisitor } from '../../app/tasks/task-access.ts';
import { viewSubtree } from '../../app/tasks/view-subtree.ts';
import { viewTask } from '../../app/tasks/view-task.ts';
import type { AdminRight, BearerCaller } from '../caller.ts';
import { scopeMissing } from '../challenge.ts';
import { type BoundRoute, contract, type RouteRequest, route } from '../contract.ts';
import { codeVerifier, listAnswer, listOf, pageOf, pageQuery, reason, taskId } from '../fields.ts';
import { TaskRow, taskRow } from '../rows/task-row.ts';

const tags = ['Tasks'];
const params = z.strictObject({ taskId });
const ending = z.strictObject({ reason: reason.optional(), code_verifier: codeVerifier.optional() });
const Ended = z.object({
  task_id: z.string(),
  state: z.enum(['completed', 'failed', 'revoked']),
  affected_child_tokens: z.int().meta({ description: 'Unexpired tokens below the task, at most 1,000.' }),
  affected_truncated: z.boolean(),
});

const getTask = contract({
  method: 'get',
  path: '/api/tasks/:taskId',
  access: 'task',
  summary: 'Show a task: for its own token, a token of an ancestor, or an administrator.',
  tags,
  params,
  returns: { status: 200, body: TaskRow },
});

const getTree = contract({
  method: 'get',
  path: '/api/tasks/:taskId/tree',
  access: 'task',
  summary: 'List a task and everything derived from it, each parent before its children.',
  tags,
  params,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: listOf('tasks', TaskRow) },
});

const revokeTask = contract({
  method: 'post',
  path: '/api/tasks/:taskId/revoke',
  access: 'task',
  summary: 'Revoke a task and everything derived from it.',
  tags,
  params,
  body: ending,
  returns: { status: 200, body: Ended },
});

const completeTask = contract({
  method: 'post',
  path: '/api/tasks/:taskId/complete',
  access: 'task',
  summary: 'Complete a task; it and everything derived from it ends.',
  description: 'Needs the code_verifier of the task unless it began with a person’s authorization.',
  tags,
  params,
  body: ending,
  returns: { status: 200, body: Ended },
});

const failTask = contract({
  ...completeTask,
  path: '/api/tasks/:taskId/fail',
  summary: 'Fail a task; it and everything derived from it ends.',
});

/** What agents do with their own tasks, and administrators with any. */
export function taskRoutes(context: AppContext): BoundRoute[] {
  return [
    route(getTask, async ({ params: { taskId: id }, caller }) =>
      taskRow(await viewTask(context, visitor(caller, 'admin:read'), id)),
    ),
    route(getTree, async ({ params: { taskId: id }, query, caller }) =>
      listAnswer(
        'tasks',
        await viewSubtree(context, visitor(caller, 'admin:read'), id, pageOf(query)),
        taskRow,
      ),
    ),
    route(revokeTask, async ({ params: { taskId: id }, body, caller }) => {
      const task = await requireVisibleTask(context, changing(caller), id);
      return endTask(context, { caller, task, as: 'revoked', reason: body.reason ?? null });
    }),
    route(completeTask, (request) => finish(context, 'completed', request)),
    route(failTask, (request) => finish(context, 'failed', request)),
  ];
}

type Finish = RouteRequest<z.output<typeof params>, unknown, z.output<typeof ending>, 'task'>;

function finish(context: AppContext, as: 'completed' | 'failed', { params, body, caller, ctx }: Finish) {
  return finishTask(context, {
    caller,
    visitor: changing(caller),
    taskId: params.taskId,
    as,
    reason: body.reason ?? null,
    codeVerifier: body.code_verifier,
    keyThumbprint: ctx.state.keyThumbprint,
  });
}

function visitor(caller: BearerCaller, right: AdminRight): TaskVisitor {
  return { bearer: caller.bearer, administrator: caller.administers(right) };
}

/** An administrator who may only look sees every task, so hiding one would help nobody: the missing scope is named. */
function changing(caller: BearerCaller): TaskVisitor {
  const visiting = visitor(caller, 'admin:write');
  if (!visiting.administrator && caller.administers('admin:read')) throw scopeMissing(['admin:write']);
  return visiting;
}
