import type { Knex } from 'knex';
import type { Step } from '../../sql/applier.ts';
import { eventRows } from '../../tables/audit-events.ts';
import { FAN_OUT, TOLD_COLUMNS } from '../../tables/fan-out.ts';
import { toJson } from '../../sql/json.ts';
import { LEDGER_HEAD, type LedgerHead } from '../../ledger/ledger-head.ts';
import { inLockOrder } from '../../sql/locks.ts';
import type { RememberedLedger } from '../../ledger/remembered-ledger.ts';
import { type Row, rowsOf } from '../../sql/statements.ts';
import { byTaskId, childCounts, taskLink } from '../../tables/task-changes.ts';
import { tasks } from '../../tables/tasks.ts';
import { tokens } from '../../tables/tokens.ts';
import { handlesOf, type PlainBatch, plainBatchOf, type PlainCommits } from './plain-batch.ts';

/** PostgreSQL, appendix A: division_by_zero, not_null_violation, unique_violation. */
const DOES_NOT_HOLD = new Set(['22012', '23502', '23505']);

/**
 * Commits a plain batch with one statement, so with one round trip, where a transaction takes three. Whatever does not
 * hold makes the statement divide by zero or violate a key, and all of it is undone.
 */
export function commitByStatement(db: Knex, ledger: RememberedLedger): PlainCommits['commit'] {
  async function attempt(batch: PlainBatch, revoked: Sql): Promise<number | undefined> {
    const { sql, bindings } = statementFor(batch, revoked);
    try {
      const [row] = await rowsOf<{ deliveries: number }>(db, sql, bindings);
      return row?.deliveries ?? 0;
    } catch (error) {
      if (DOES_NOT_HOLD.has(String((error as { code?: unknown }).code))) return undefined;
      throw error;
    }
  }

  return async (units) => {
    const batch = plainBatchOf(units);
    const clear = ledger.clearOf(batch.bases);
    if (!clear) return attempt(batch, anyRevoked(batch));
    const told = await attempt(batch, grownSince(clear));
    if (told !== undefined) return told;
    // Whether it has grown, or something else does not hold: the next batch should know.
    void ledger.catchUp();
    return attempt(batch, anyRevoked(batch));
  };
}

/** A statement, or a part of one, with its values. */
interface Sql {
  readonly sql: string;
  readonly bindings: readonly unknown[];
}

/** Any row for a handle, even one that ends nothing: an agent that was suspended once and is back. */
function anyRevoked(batch: PlainBatch): Sql {
  const sql = 'EXISTS (SELECT 1 FROM revocations WHERE handle IN (SELECT json_array_elements_text(?::json)))';
  return { sql, bindings: [toJson(handlesOf(batch))] };
}

/** The handles are neither sent nor looked up while the ledger ends where it was known to be clear of them (ADR 28). */
function grownSince({ seq, handle }: LedgerHead): Sql {
  const sql = `(${LEDGER_HEAD.seq} <> ? OR ${LEDGER_HEAD.handle} IS DISTINCT FROM ?::text)`;
  return { sql, bindings: [seq, handle] };
}

function statementFor(batch: PlainBatch, revoked: Sql): Sql {
  const { openings, issues, children, registry } = batch;
  const issued = issues.map(({ change }) => tokens.write(change.token));
  const parts = [
    opening(openings),
    insertion('issued', 'tokens', issued),
    insertion('told', 'audit_events', eventRows(batch.units), `RETURNING ${TOLD_COLUMNS}`),
    ...(openings.length > 0 ? [TAKING] : []),
    counting(children),
  ].filter((part) => part !== undefined);
  const doubts = [
    revoked.sql,
    '(?::bigint IS NOT NULL AND (SELECT version FROM registry_version) IS DISTINCT FROM ?::bigint)',
    ...parts.flatMap(({ doubt }) => doubt?.sql ?? []),
  ];
  const told = parts.some(({ name }) => name === 'told');
  const fanOut = told ? `, ${FAN_OUT.names}, recorded AS (${FAN_OUT.insert} RETURNING 1)` : '';
  return {
    sql: `WITH ${parts.map(({ name, sql }) => `${name} AS (${sql})`).join(', ')}${fanOut}
          SELECT 1 / (CASE WHEN ${doubts.join(' OR ')} THEN 0 ELSE 1 END) AS holds,
            ${told ? '(SELECT count(*) FROM recorded)' : '0'} AS deliveries`,
    bindings: [
      ...parts.flatMap(({ bindings }) => bindings),
      ...revoked.bindings,
      registry,
      registry,
      ...parts.flatMap(({ doubt }) => doubt?.bindings ?? []),
    ],
  };
}

interface Part extends Sql {
  readonly name: string;
  /** A condition under which the statement must fail. */
  readonly doubt?: Sql;
}

function insertion(name: string, table: string, rows: readonly Row[], then = ''): Part | undefined {
  const [first] = rows;
  if (!first) return undefined;
  const columns = Object.keys(first).join(', ');
  const from = `json_populate_recordset(NULL::${table}, ?::json)`;
  return {
    name,
    sql: `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${from} ${then}`,
    bindings: [toJson(rows)],
  };
}

const OPENED_COLUMNS = [...tasks.columns, 'path', 'parent_handle'];
/** What a child has from its parent's row. Where there is none it is null, which these columns refuse. */
const CONTINUED: Readonly<Record<string, string>> = {
  lineage: 'CASE WHEN link.parent_handle IS NULL THEN link.lineage ELSE parent.lineage || link.lineage END',
  path: "CASE WHEN link.parent_handle IS NULL THEN link.path ELSE parent.path || '/' || link.path END",
};

/** OFFSET 0 is a fence: the parents are looked up one by one, however many tasks the planner expects. */
function opening(openings: readonly Step<'insert_task'>[]): Part | undefined {
  const links = inLockOrder(
    openings.map(({ change }) => taskLink(change.task)),
    byTaskId,
  );
  if (links.every((link) => link['parent_handle'] === null))
    return insertion('opened', 'tasks', links, 'RETURNING task_id');
  return {
    name: 'opened',
    sql: `INSERT INTO tasks (${OPENED_COLUMNS.join(', ')})
          SELECT ${OPENED_COLUMNS.map((column) => CONTINUED[column] ?? `link.${column}`).join(', ')}
          FROM json_populate_recordset(NULL::tasks, ?::json) AS link LEFT JOIN LATERAL
            (SELECT lineage, path FROM tasks WHERE handle = link.parent_handle OFFSET 0) AS parent ON TRUE
          RETURNING task_id`,
    bindings: [toJson(links)],
  };
}

/** An id that is taken violates the key. */
const TAKING: Part = {
  name: 'taken',
  sql: 'INSERT INTO task_ids (task_id) SELECT task_id FROM opened',
  bindings: [],
};

/** As countChild does (task-changes.ts): one step for all children of a task. */
function counting(children: readonly Step<'count_child'>[]): Part | undefined {
  const counts = childCounts(children);
  if (counts.length === 0) return undefined;
  return {
    name: 'counted',
    sql: `UPDATE tasks SET child_count = child_count + input.children
          FROM json_to_recordset(?::json) AS input(handle text, children bigint, now bigint)
          WHERE tasks.handle = input.handle AND tasks.handle = ANY(?) AND state = 'active'
            AND child_count + input.children <= max_children AND expires_at > input.now
          RETURNING tasks.handle`,
    bindings: [toJson(counts), counts.map(({ handle }) => handle)],
    doubt: { sql: '(SELECT count(*) FROM counted) <> ?', bindings: [counts.length] },
  };
}
