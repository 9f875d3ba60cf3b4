import type { Knex } from 'knex';
import type { EntryPlace, StatusEntry, StatusListRow, StatusLists } from '../../app/ports/status-lists.ts';
import type { Lineage } from '../../domain/lineage.ts';
import { fromJson } from '../sql/json.ts';
import { type Row, rowsOf } from '../sql/statements.ts';

export function statusLists(db: Knex): StatusLists {
  return {
    async byId(id) {
      const [row] = await rowsOf(db, 'SELECT id, begins_at, expires_at FROM status_lists WHERE id = ?', [id]);
      return row && listOf(row);
    },
    take: (list, part) => take(db, list, part),
    entries: (list, page) => entries(db, list, page),
  };
}

function listOf({ id, begins_at: beginsAt, expires_at: expiresAt }: Row): StatusListRow {
  return { id, beginsAt, expiresAt } as StatusListRow;
}

/** The condition stands outside of the subquery too: of two nodes that found the same list the later one looks again. */
async function take(
  db: Knex,
  { id, beginsAt, expiresAt }: StatusListRow,
  { count, capacity }: { readonly count: number; readonly capacity: number },
) {
  const most = capacity - count;
  const [taken] = await rowsOf<{ id: string; taken: number }>(
    db,
    `UPDATE status_lists SET taken = taken + ?
     WHERE id = (SELECT id FROM status_lists WHERE begins_at = ? AND taken <= ? ORDER BY id LIMIT 1) AND taken <= ?
     RETURNING id, taken`,
    [count, beginsAt, most, most],
  );
  if (taken) return { id: taken.id, first: taken.taken - count };
  const sql = 'INSERT INTO status_lists (id, begins_at, taken, expires_at) VALUES (?, ?, ?, ?) RETURNING id';
  await rowsOf(db, sql, [id, beginsAt, count, expiresAt]);
  return { id, first: 0 };
}

/** By the index of tokens on their ends: a list has the tokens of one span of time. */
async function entries(
  db: Knex,
  list: StatusListRow,
  {
    now,
    limit,
    after,
  }: { readonly now: number; readonly limit: number; readonly after: EntryPlace | undefined },
) {
  const from = Math.max(list.beginsAt, now + 1, after?.expiresAt ?? 0);
  const rows = await rowsOf(
    db,
    `SELECT t.expires_at AS ends, t.token_id AS token_id, t.kind AS kind, t.parent_token_id AS parent_token_id,
       t.status_index AS status_index, k.handle AS handle, k.grant_handle AS grant_handle, k.client_id AS client_id,
       k.client_epoch AS client_epoch, k.subject AS subject, k.subject_kind AS subject_kind,
       k.subject_epoch AS subject_epoch, k.lineage AS lineage
     FROM (SELECT expires_at, token_id, kind, parent_token_id, status_index, task_handle FROM tokens
       WHERE expires_at >= ? AND expires_at < ? AND status_list = ? AND (expires_at > ? OR token_id > ?)
       ORDER BY expires_at, token_id LIMIT ?) t
     JOIN tasks k ON k.handle = t.task_handle
     ORDER BY t.expires_at, t.token_id`,
    [from, list.expiresAt, list.id, after?.expiresAt ?? 0, after?.tokenId ?? '', limit],
  );
  const last = rows.at(-1);
  const next =
    last && rows.length === limit
      ? { expiresAt: last['ends'] as number, tokenId: last['token_id'] as string }
      : undefined;
  return { entries: rows.map(entryOf), next };
}

function entryOf(row: Row): StatusEntry {
  return {
    index: row['status_index'] as number,
    token: {
      tokenId: row['token_id'] as string,
      kind: row['kind'] as StatusEntry['token']['kind'],
      parentTokenId: row['parent_token_id'] as string | null,
    },
    task: {
      handle: row['handle'] as string,
      grant: row['grant_handle'] as string,
      clientId: row['client_id'] as string,
      clientEpoch: row['client_epoch'] as number,
      subject: row['subject'] as string,
      subjectKind: row['subject_kind'] as 'user' | 'agent',
      subjectEpoch: row['subject_epoch'] as number,
      lineage: fromJson(row['lineage']) as Lineage,
    },
  };
}
