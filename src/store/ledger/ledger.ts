import type { Knex } from 'knex';
import type { LedgerPage, LedgerReads, LedgerRow, RecordedRevocation } from '../../app/ports/ledger.ts';
import {
  type Dependency,
  endedBy,
  type HandleKind,
  handleKey,
  LEDGER_MARGIN_MS,
  type Revocation,
} from '../../domain/revocation.ts';
import type { Applier } from '../sql/applier.ts';
import { eachAlone } from '../sql/applier.ts';
import { gather } from '../waiting/gather.ts';
import { among, hitsOf, isPostgres, rowsOf } from '../sql/statements.ts';

export function ledgerReads(db: Knex): LedgerReads {
  const rowsFor = gather(async (asked: readonly (readonly Dependency[])[]) => {
    const rows = await revocationsByHandle(db, asked.flat());
    // Most of what is asked about was never revoked.
    if (rows.size === 0) return () => [];
    return (dependencies: readonly Dependency[]) =>
      dependencies.flatMap((one) => rows.get(handleKey(one)) ?? []);
  });
  return {
    among: rowsFor,
    since: (after, limit) => since(db, after, limit),
    entries: (handle) => entriesOf(db, handle),
  };
}

/** One statement, so that rows and head are of one moment. */
async function since(db: Knex, after: number, limit: number): Promise<LedgerPage> {
  const rows = await rowsOf<{ head: number } & Record<keyof LedgerRow, unknown>>(
    db,
    `SELECT last.head AS head, later.seq AS seq, later.kind AS kind, later.handle AS handle, later.epoch AS epoch,
       later.created_at AS at
     FROM (SELECT COALESCE(MAX(seq), 0) AS head FROM revocations) last
     LEFT JOIN (SELECT seq, kind, handle, epoch, created_at FROM revocations WHERE seq > ? ORDER BY seq LIMIT ?) later
       ON TRUE
     ORDER BY later.seq`,
    [after, limit],
  );
  const found = rows.filter(({ seq }) => seq !== null);
  return { rows: found.map(ledgerRow), head: rows[0]?.head ?? 0 };
}

function ledgerRow({ seq, kind, handle, epoch, at }: Record<keyof LedgerRow, unknown>): LedgerRow {
  return { seq, kind, handle, epoch, at } as LedgerRow;
}

function entriesOf(
  db: Knex,
  { kind, handle }: Pick<Revocation, 'kind' | 'handle'>,
): Promise<readonly RecordedRevocation[]> {
  return rowsOf<RecordedRevocation>(
    db,
    `SELECT kind, handle, epoch, created_at AS at, reason, actor FROM revocations
     WHERE handle = ? AND kind = ? ORDER BY epoch`,
    [handle, kind],
  );
}

/** The rows for any of the handles, by `handleKey`: one indexed query, whatever their number, and none for none. */
export async function revocationsByHandle(
  db: Knex,
  dependencies: readonly Dependency[],
): Promise<ReadonlyMap<string, readonly Revocation[]>> {
  return Map.groupBy(await revocationsOf(db, dependencies), handleKey);
}

async function revocationsOf(db: Knex, dependencies: readonly Dependency[]): Promise<readonly Revocation[]> {
  if (dependencies.length === 0) return [];
  const { sql, bindings } = among(db, 'handle', [...new Set(dependencies.map(({ handle }) => handle))]);
  const rows = await rowsOf<{ kind: HandleKind; handle: string; epoch: number }>(
    db,
    `SELECT kind, handle, epoch FROM revocations WHERE ${sql}`,
    bindings,
  );
  if (rows.length === 0) return rows;
  const wanted = new Set(dependencies.map(handleKey));
  return rows.filter((row) => wanted.has(handleKey(row)));
}

/** For each list of dependencies whether the ledger has ended what rests on it; one query for all. */
export async function endedAmong(
  db: Knex,
  lists: readonly (readonly Dependency[])[],
): Promise<readonly boolean[]> {
  const rows = await revocationsByHandle(db, lists.flat());
  if (rows.size === 0) return lists.map(() => false);
  return lists.map((dependencies) => {
    const relevant = dependencies.flatMap((one) => rows.get(handleKey(one)) ?? []);
    return endedBy(dependencies, relevant) !== undefined;
  });
}

/** Revoking again is one row still; it never shortens how long the first one is kept (R2). */
export const revoke: Applier<'revoke'> = eachAlone(async (db, { entry }) => {
  const longer = isPostgres(db) ? 'GREATEST' : 'MAX';
  const expiresAt = entry.outlivesAll ? Math.max(entry.expiresAt, await lastExpiry(db)) : entry.expiresAt;
  await hitsOf(
    db,
    `INSERT INTO revocations (kind, handle, epoch, reason, actor, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (handle, kind, epoch)
     DO UPDATE SET expires_at = ${longer}(revocations.expires_at, excluded.expires_at)`,
    [entry.kind, entry.handle, entry.epoch, entry.reason, entry.actor, entry.at, expiresAt],
  );
  return true;
});

/** When the last task there is will have expired: tasks may be longer than what is allowed today. */
async function lastExpiry(db: Knex): Promise<number> {
  const [row] = await rowsOf<{ last: number | null }>(db, 'SELECT MAX(expires_at) AS last FROM tasks', []);
  return (row?.last ?? 0) + LEDGER_MARGIN_MS;
}
