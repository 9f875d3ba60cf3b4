import { z } from 'zod';
import type { AppContext } from '../../app/context.ts';
import { taskHistory } from '../../app/tasks/task-history.ts';
import { type ChainLink, viewLineage } from '../../app/tasks/view-lineage.ts';
import { AUDIT_EVENT_TYPES } from '../../domain/audit-event.ts';
import { formatScope } from '../../domain/scope.ts';
import { type BoundRoute, contract, route } from '../contract.ts';
import { clientId, listAnswer, listOf, pageOf, pageQuery, publicId, taskId } from '../fields.ts';
import { AuditRow, auditRow } from '../rows/audit-row.ts';
import { TaskRow, taskRow } from '../rows/task-row.ts';

const tags = ['Administration: audit'];
const params = z.strictObject({ task_id: taskId });
const time = z.iso.datetime({ offset: true });

const ChainTask = TaskRow.extend({
  via_token_id: z.string().nullable().meta({ description: 'The parent’s token it was derived through.' }),
  scope_before: z.string().nullable().meta({ description: 'What that token held; null at the root.' }),
  scope_after: z.string(),
  refused_widenings: z.array(AuditRow).meta({ description: 'Requests for a child with more than this.' }),
});

const auditLogs = contract({
  method: 'get',
  path: '/api/admin/audit/logs',
  access: 'admin:read',
  summary: 'Search the audit log, newest first.',
  tags,
  query: z.strictObject({
    client_id: clientId.optional(),
    user_id: publicId.optional(),
    token_id: publicId.optional(),
    task_id: taskId.optional(),
    event_type: z.enum(AUDIT_EVENT_TYPES).optional(),
    status: z.enum(['success', 'refused', 'error']).optional(),
    from: time.optional(),
    to: time.optional(),
    ...pageQuery,
  }),
  returns: { status: 200, body: listOf('logs', AuditRow) },
});

const auditOfTask = contract({
  method: 'get',
  path: '/api/admin/audit/task/:task_id',
  access: 'admin:read',
  summary: 'The history of a task, oldest first.',
  tags,
  params,
  query: z.strictObject(pageQuery),
  returns: { status: 200, body: z.object({ task_id: z.string(), ...listOf('history', AuditRow).shape }) },
});

const auditOfChain = contract({
  method: 'get',
  path: '/api/admin/audit/task-chain/:task_id',
  access: 'admin:read',
  summary: 'On whose authority a task acts: from the true root down to it, then a page of its descendants.',
  tags,
  params,
  query: z.strictObject(pageQuery),
  returns: {
    status: 200,
    body: z.object({
      root_task_id: z.string(),
      task_chain: z.array(z.string()),
      task_details: z.array(ChainTask),
      next_cursor: z.string().nullable(),
    }),
  },
});

/** Who did what, for which task, on whose authority. */
export function adminAuditRoutes(context: AppContext): BoundRoute[] {
  return [
    route(auditLogs, async ({ query }) =>
      listAnswer('logs', await context.store.audit.search(auditFilter(query), pageOf(query)), auditRow),
    ),
    route(auditOfTask, async ({ params: { task_id }, query }) => ({
      task_id,
      ...listAnswer('history', await taskHistory(context, task_id, pageOf(query)), auditRow),
    })),
    route(auditOfChain, async ({ params: { task_id }, query }) => {
      const { rootTaskId, links, next } = await viewLineage(context, task_id, pageOf(query));
      return {
        root_task_id: rootTaskId,
        task_chain: links.map(({ task }) => task.taskId),
        task_details: links.map(chainTask),
        next_cursor: next,
      };
    }),
  ];
}

function auditFilter(query: z.output<typeof auditLogs.query>) {
  return {
    clientId: query.client_id,
    userId: query.user_id,
    tokenId: query.token_id,
    taskIds: query.task_id === undefined ? undefined : [query.task_id],
    type: query.event_type,
    outcome: query.status,
    from: query.from === undefined ? undefined : Date.parse(query.from),
    to: query.to === undefined ? undefined : Date.parse(query.to),
  };
}

function chainTask(link: ChainLink): z.input<typeof ChainTask> {
  return {
    ...taskRow(link),
    via_token_id: link.via,
    scope_before: link.scopeBefore === null ? null : formatScope(link.scopeBefore),
    scope_after: formatScope(link.task.scope),
    refused_widenings: link.refused.map(auditRow),
  };
}
