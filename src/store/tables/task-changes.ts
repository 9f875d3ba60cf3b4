import type { Task } from '../../domain/task.ts';
import type { Applier, Step } from '../sql/applier.ts';
import { eachAlone } from '../sql/applier.ts';
import { toJson } from '../sql/json.ts';
import { inLockOrder } from '../sql/locks.ts';
import { among, hitsOf, inputs, insertFree, insertRows, rowsOf, type Row } from '../sql/statements.ts';
import { parentHandleOf, pathOf, tasks } from './tasks.ts';

/**
 * Takes the task's id for ever, even when the task itself is removed one day (R3). The row is sent along with its id:
 * where the id is taken, the miss undoes both.
 */
export const insertTask: Applier<'insert_task'> = async (db, steps) => {
  const ids = steps.map(({ change }) => ({ task_id: change.task.taskId }));
  const rows = steps.map(({ change }) => taskRow(change.task));
  const [free, stored] = await Promise.allSettled([
    insertFree(db, 'task_ids', 'task_id', inLockOrder(ids, byTaskId)),
    insertRows(db, 'tasks', inLockOrder(rows, byTaskId)),
  ]);
  if (free.status === 'rejected') throw free.reason;
  const hits = ids.map(({ task_id }) => free.value.has(task_id));
  if (stored.status === 'rejected' && !hits.includes(false)) throw stored.reason;
  return hits;
};

export function byTaskId(row: Row): string {
  return row['task_id'] as string;
}

/** A task as it lies in its table. */
function taskRow(task: Task): Row {
  return {
    ...tasks.write(task),
    path: pathOf(task),
    parent_handle: parentHandleOf(task),
  };
}

/**
 * The same of a task whose parent's row is there: of its lineage and path only what it adds to those of its parent. Deep
 * down the rest would be most of what a batch sends.
 */
export function taskLink(task: Task): Row {
  return {
    ...tasks.write(task),
    lineage: task.lineage.slice(-1),
    path: task.handle,
    parent_handle: parentHandleOf(task),
  };
}

/**
 * One atomic step for all children of a task in the batch, so that children derived in parallel never exceed the
 * maximum. When there is no room for all of them none is counted: each is then tried alone.
 */
export const countChild: Applier<'count_child'> = async (db, steps) => {
  const counts = childCounts(steps);
  const keys = among(
    db,
    'tasks.handle',
    counts.map(({ handle }) => handle),
  );
  const columns = { handle: 'text', children: 'bigint', now: 'bigint' } as const;
  const counted = await rowsOf(
    db,
    `UPDATE tasks SET child_count = child_count + input.children FROM ${inputs(db, columns)}
     WHERE tasks.handle = input.handle AND ${keys.sql}
       AND state = 'active' AND child_count + input.children <= max_children AND expires_at > input.now
     RETURNING tasks.handle AS handle`,
    [toJson(counts), ...keys.bindings],
  );
  const handles = new Set(counted.map((row) => row['handle']));
  return steps.map(({ change }) => handles.has(change.handle));
};

/** How many children each task of the batch gets, and when the last of them asked. */
export function childCounts(steps: readonly Step<'count_child'>[]) {
  const counts = [...Map.groupBy(steps, ({ change }) => change.handle)].map(([handle, children]) => ({
    handle,
    children: children.length,
    now: Math.max(...children.map(({ at }) => at)),
  }));
  return inLockOrder(counts, ({ handle }) => handle);
}

/** Does not lock: a task that ends at the same time takes a ledger row, which the new token depends on. */
export const requireActiveTask: Applier<'require_active_task'> = async (db, steps) => {
  const { sql, bindings } = among(
    db,
    'handle',
    steps.map(({ change }) => change.handle),
  );
  const active = await rowsOf<{ handle: string; expires_at: number }>(
    db,
    `SELECT handle, expires_at FROM tasks WHERE state = 'active' AND ${sql}`,
    bindings,
  );
  const expiry = new Map(active.map((row) => [row.handle, row.expires_at]));
  return steps.map(({ change, at }) => (expiry.get(change.handle) ?? Number.NEGATIVE_INFINITY) > at);
};

export const endTask: Applier<'end_task'> = eachAlone(async (db, { handle, state, reason, at }) => {
  const sql = `UPDATE tasks SET state = ?, ended_reason = ?, ended_at = ? WHERE handle = ? AND state = 'active'`;
  return (await hitsOf(db, sql, [state, reason, at, handle])) === 1;
});
