import type { AuditEvent } from '../../domain/audit-event.ts';
import { HARD_DEPTH_CAP } from '../../domain/opening.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Task } from '../../domain/task.ts';
import type { AppContext } from '../context.ts';
import { openingOf, textIn, wordsIn } from './issuance-events.ts';

/** A task as far as it is known: by its row, by how it was opened, or by both. */
export interface KnownTask {
  readonly taskId: string;
  readonly row: Task | undefined;
  readonly opening: AuditEvent | undefined;
}

export interface Chain {
  /** Root first. */
  readonly tasks: readonly KnownTask[];
  /** What is not known any more, in words. */
  readonly unknown: readonly string[];
}

/** The tasks above a task and itself. Rows that retention removed are told by the audit trail, which is kept longer. */
export async function chainOf(context: AppContext, taskId: string): Promise<Chain> {
  const tasks: KnownTask[] = [];
  const unknown: string[] = [];
  let next: string | null = taskId;
  while (next !== null && tasks.length <= HARD_DEPTH_CAP) {
    const known: KnownTask = await taskOf(context, next);
    if (!known.row && !known.opening) {
      unknown.push(`the task ${next}, and what is above it`);
      break;
    }
    if (!known.row) unknown.push(`the task ${next}, but for how it was opened`);
    if (!known.opening) unknown.push(`how the task ${next} was opened`);
    tasks.unshift(known);
    next = parentOf(known);
  }
  return { tasks, unknown };
}

async function taskOf(context: AppContext, taskId: string): Promise<KnownTask> {
  const [row, opening] = await Promise.all([
    context.store.tasks.byTaskId(taskId),
    openingOf(context, taskId),
  ]);
  return { taskId, row, opening };
}

function parentOf({ row, opening }: KnownTask): string | null {
  return row ? row.parentTaskId : (opening?.parentTaskId ?? null);
}

/** The parent's token that it was derived through. */
export function viaOf({ row, opening }: KnownTask): string | null {
  return row ? row.parentTokenId : textIn(opening?.details['via']);
}

export function scopeOf({ row, opening }: KnownTask): Scope {
  return row ? row.scope : wordsIn(opening?.details['scope']);
}

/** What the parent's token held. */
export function scopeBefore({ opening }: KnownTask): Scope | null {
  const held = opening?.details['parent_scope'];
  return held === undefined ? null : wordsIn(held);
}

export function subjectOf({
  row,
  opening,
}: KnownTask): { readonly kind: 'user' | 'agent'; readonly id: string } | null {
  if (row) return { kind: row.subjectKind, id: row.subject };
  const id = textIn(opening?.details['subject']);
  return id === null ? null : { kind: opening?.userId ? 'user' : 'agent', id };
}
