import { auditEvents } from '../audit-events.ts';
import type { SqliteValue } from '../json.ts';
import { childCounts } from '../task-changes.ts';
import { parentHandleOf, pathOf, tasks } from '../tasks.ts';
import { tokens } from '../tokens.ts';
import type { LedgerHead } from '../ledger-head.ts';
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
function into(table: string, columns: readonly string[]) {
  const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
  return (values: readonly SqliteValue[]): Insertion => ({ sql, width: columns.length, values });
}

const INTO = {
  taskIds: into('task_ids', ['task_id']),
  tasks: into('tasks', [...tasks.columns, 'path', 'parent_handle']),
  tokens: into('tokens', tokens.columns),
  events: into('audit_events', [...auditEvents.columns, 'unit_id', 'position']),
} as const;

/** `clear`: where the ledger is known to end without anything that the batch rests on. */
export function flatBatchOf(batch: PlainBatch, clear: LedgerHead | undefined): FlatBatch {
  const { units, openings, issues, children, registry } = batch;
  const opened: SqliteValue[] = [];
  for (const { change } of openings) {
    opened.push(...tasks.values(change.task), pathOf(change.task), parentHandleOf(change.task));
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
      INTO.tasks(opened),
      INTO.tokens(issued),
      INTO.events(events),
    ],
    told: JSON.stringify(units.map(({ id }) => id)),
  };
}
