import type { Knex } from 'knex';
import type { IdempotencyReads, IdempotencyRecord } from '../../app/ports/idempotency.ts';
import type { Applier } from '../sql/applier.ts';
import { gather } from '../waiting/gather.ts';
import { mapping, plain } from '../sql/mapping.ts';
import { among, insertRows, rowsOf } from '../sql/statements.ts';

const records = mapping<IdempotencyRecord>('idempotency_records', {
  id: plain('id'),
  fingerprint: plain('fingerprint'),
  answer: plain('answer'),
  createdAt: plain('created_at'),
  expiresAt: plain('expires_at'),
});

export function idempotencyReads(db: Knex): IdempotencyReads {
  return { byId: gather((ids: readonly string[]) => recordsBy(db, ids)) };
}

async function recordsBy(db: Knex, ids: readonly string[]) {
  const { sql, bindings } = among(db, 'id', ids);
  const columns = records.columns.join(', ');
  const rows = await rowsOf(db, `SELECT ${columns} FROM idempotency_records WHERE ${sql}`, bindings);
  const found = new Map(rows.map(records.read).map((record) => [record.id, record]));
  return (id: string) => found.get(id);
}

/** One that has expired and was not cleaned up yet stands in nobody's way. */
const UNLESS_KEPT = `ON CONFLICT (id) DO UPDATE SET ${records.columns
  .filter((name) => name !== 'id')
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')} WHERE idempotency_records.expires_at <= excluded.created_at RETURNING id`;

/** Misses when the key was used. */
export const insertIdempotencyRecord: Applier<'insert_idempotency_record'> = async (db, steps) => {
  // In one order everywhere, so that two nodes never wait for each other.
  const list = steps.map(({ change }) => change.record).sort((a, b) => (a.id < b.id ? -1 : 1));
  const inserted = await insertRows(db, 'idempotency_records', list.map(records.write), UNLESS_KEPT);
  const free = new Set(inserted.map(({ id }) => id));
  return steps.map(({ change }) => free.has(change.record.id));
};
