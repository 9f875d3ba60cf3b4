import type { Database as SqliteConnection, Statement } from 'better-sqlite3';
import { FAN_OUT_ON_SQLITE } from '../../tables/fan-out.ts';
import { LEDGER_HEAD, type LedgerHead } from '../../ledger/ledger-head.ts';
import type { FlatBatch, Insertion } from './flat-batch.ts';

const REGISTRY = 'SELECT version FROM registry_version';
const HEAD = `SELECT ${LEDGER_HEAD.seq} AS seq, ${LEDGER_HEAD.handle} AS handle`;
/** Any row for a handle, even one that ends nothing: an agent that was suspended once and is back. */
const REVOKED = 'SELECT 1 FROM revocations WHERE handle IN (SELECT value FROM json_each(?)) LIMIT 1';
/** As countChild does (task-changes.ts): one step for all children of a task. */
const COUNT = `UPDATE tasks SET child_count = child_count + ?
  WHERE handle = ? AND state = 'active' AND child_count + ? <= max_children AND expires_at > ?`;

/**
 * Commits plain batches on a connection of its own, each in one transaction. Answers how many deliveries to webhooks
 * were recorded, or null when something did not hold: nothing was written then.
 * @throws SqliteError when the database failed. Nothing was written then either, unless COMMIT itself failed.
 */
export function plainTransaction(connection: SqliteConnection): (batch: FlatBatch) => number | null {
  const prepared = new Map<string, Statement>();

  function statement(sql: string): Statement {
    const known = prepared.get(sql);
    if (known) return known;
    const made = connection.prepare(sql);
    prepared.set(sql, made);
    return made;
  }

  function mayBeRevoked({ clear, handles }: FlatBatch): boolean {
    if (!clear) return statement(REVOKED).get(handles) !== undefined;
    const { seq, handle } = statement(HEAD).get() as LedgerHead;
    return seq !== clear.seq || handle !== clear.handle;
  }

  function holds(batch: FlatBatch): boolean {
    const { registry, counts } = batch;
    const current = registry === null ? undefined : (statement(REGISTRY).get() as { version: number });
    if (current?.version !== (registry ?? undefined)) return false;
    if (mayBeRevoked(batch)) return false;
    // Before anything is opened: a task of this very batch has no children yet.
    return counts.every(
      ({ handle, children, now }) => statement(COUNT).run(children, handle, children, now).changes === 1,
    );
  }

  function insert({ sql, width, values }: Insertion): void {
    for (let from = 0; from < values.length; from += width) {
      statement(sql).run(values.slice(from, from + width));
    }
  }

  function write({ insertions, told }: FlatBatch): number {
    insertions.forEach(insert);
    return statement(FAN_OUT_ON_SQLITE).run(told).changes;
  }

  return (batch) => {
    // A transaction that reads before it writes could not wait for somebody else's write: it would fail.
    statement('BEGIN IMMEDIATE').run();
    try {
      const deliveries = holds(batch) ? write(batch) : null;
      statement(deliveries === null ? 'ROLLBACK' : 'COMMIT').run();
      return deliveries;
    } catch (error) {
      // On a full disk SQLite has undone everything already.
      if (connection.inTransaction) statement('ROLLBACK').run();
      if (isConstraint(error)) return null;
      throw error;
    }
  };
}

/** An id that is taken, a unit that was committed before, or a row that cannot be. */
function isConstraint(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith('SQLITE_CONSTRAINT');
}
