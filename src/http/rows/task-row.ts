import { z } from 'zod';
import type { ViewedTask } from '../../app/tasks/view-task.ts';
import { formatScope } from '../../domain/scope.ts';
import { TASK_ORIGINS } from '../../domain/task.ts';
import { iso, isoOrNull, isoTime } from '../fields.ts';

/** A task as it is shown. The description is display text of its agent: untrusted. */
export const TaskRow = z
  .object({
    task_id: z.string(),
    description: z.string(),
    state: z.enum(['active', 'completed', 'failed', 'revoked', 'expired']),
    origin: z.enum(TASK_ORIGINS),
    client_id: z.string(),
    subject: z.string(),
    subject_kind: z.enum(['user', 'agent']),
    scope: z.string(),
    tools: z.array(z.string()),
    resources: z.array(z.string()),
    audiences: z.array(z.string()),
    root_task_id: z.string(),
    parent_task_id: z.string().nullable(),
    parent_token_id: z.string().nullable(),
    depth: z.int(),
    max_depth: z.int(),
    max_children: z.int(),
    child_count: z.int(),
    delegates: z.array(z.string()),
    verifier_bound: z.boolean(),
    key_bound: z.boolean(),
    created_at: isoTime,
    expires_at: isoTime,
    ended_at: isoTime.nullable(),
    ended_reason: z.string().nullable(),
  })
  .meta({ id: 'Task' });

export function taskRow({ task, state }: ViewedTask): z.input<typeof TaskRow> {
  return {
    task_id: task.taskId,
    description: task.description,
    state,
    origin: task.origin,
    client_id: task.clientId,
    subject: task.subject,
    subject_kind: task.subjectKind,
    scope: formatScope(task.scope),
    tools: [...task.tools],
    resources: [...task.resources],
    audiences: [...task.audiences],
    root_task_id: task.rootTaskId,
    parent_task_id: task.parentTaskId,
    parent_token_id: task.parentTokenId,
    depth: task.depth,
    max_depth: task.maxDepth,
    max_children: task.maxChildren,
    child_count: task.childCount,
    delegates: [...task.delegates],
    verifier_bound: task.codeChallenge !== null,
    key_bound: task.keyThumbprint !== null,
    created_at: iso(task.createdAt),
    expires_at: iso(task.expiresAt),
    ended_at: isoOrNull(task.endedAt),
    ended_reason: task.endedReason,
  };
}
