import { auditEvents } from '../../tables/audit-events.ts';
import type { SqliteValue } from '../../sql/json.ts';
import { childCounts } from '../../tables/task-changes.ts';
import { parentHandleOf, tasks } from '../../tables/tasks.ts';
import { tokens } from '../../tables/tokens.ts';
import type { LedgerHead } from '../../ledger/ledger-head.ts';
import { handlesOf, type PlainBatch } from './plain-batch.ts';

/**
 * A plain batch as it crosses to the thread that commits it. Lists of plain values, row after row: objects would take
 * twice as long to copy.
 */
export interface FlatBatch {
  readonly registry: number | null;
  /** Where the ledger must still end. Null: nothing of `handles` may be in it. */
  readonly clear: LedgerHead | null;
  /** A JSON list; empty where `clear` tells enough. */
  readonly handles: string;
  readonly counts: ReturnType<typeof childCounts>;
  readonly insertions: readonly Insertion[];
  /** A JSON list of the ids of the units, whose events webhooks may hear of. */
  readonly told: string;
}

/** Rows for a statement that inserts one. */
export interface Insertion {
  readonly sql: string;
  readonly width: number;
  readonly values: readonly SqliteValue[];
}

/** How rows of one kind are inserted; made once. */
function into(table: string, columns: readonly string[], made: Readonly<Record<string, string>> = {}) {
  const terms = columns.map((column) => made[column] ?? '?').join(', ');
  const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${terms})`;
  const width = terms.split('?').length - 1;
  return (values: readonly SqliteValue[]): Insertion => ({ sql, width, values });
}

const TASK_COLUMNS = [...tasks.columns, 'path', 'parent_handle'];
const AFTER_LINEAGE = tasks.columns.indexOf('lineage') + 1;
/**
 * What a child has from its parent's row, where a list of JSON is continued as the text that it is. Without that row it
 * is null, which these columns refuse.
 */
const CONTINUED = {
  lineage: `(SELECT CASE lineage WHEN '[]' THEN '[' ELSE substr(lineage, 1, length(lineage) - 1) || ',' END || substr(?, 2)
             FROM tasks WHERE handle = ?)`,
  path: "(SELECT path || '/' || ? FROM tasks WHERE handle = ?)",
};

const INTO = {
  taskIds: into('task_ids', ['task_id']),
  roots: into('tasks', TASK_COLUMNS),
  children: into('tasks', TASK_COLUMNS, CONTINUED),
  tokens: into('tokens', tokens.columns),
  events: into('audit_events', [...auditEvents.columns, 'unit_id', 'position']),
} as const;

/** `clear`: where the ledger is known to end without anything that the batch rests on. */
export function flatBatchOf(batch: PlainBatch, clear: LedgerHead | undefined): FlatBatch {
  const { units, openings, issues, children, registry } = batch;
  const roots: SqliteValue[] = [];
  const derived: SqliteValue[] = [];
  for (const { change } of openings) {
    const { task } = change;
    const parent = parentHandleOf(task);
    if (parent === null) roots.push(...tasks.values(task), task.handle, null);
    else {
      const values = tasks.values({ ...task, lineage: task.lineage.slice(-1) });
      values.splice(AFTER_LINEAGE, 0, parent);
      derived.push(...values, task.handle, parent, parent);
    }
  }
  const issued: SqliteValue[] = [];
  for (const { change } of issues) issued.push(...tokens.values(change.token));
  const events: SqliteValue[] = [];
  for (const unit of units) {
    for (const [position, event] of unit.events.entries()) {
      events.push(...auditEvents.values(event), unit.id, position);
    }
  }
  return {
    registry,
    clear: clear ?? null,
    handles: JSON.stringify(clear ? [] : handlesOf(batch)),
    counts: childCounts(children),
    insertions: [
      INTO.taskIds(openings.map(({ change }) => change.task.taskId)),
      INTO.roots(roots),
      INTO.children(derived),
      INTO.tokens(issued),
      INTO.events(events),
    ],
    told: JSON.stringify(units.map(({ id }) => id)),
  };
}
