import type { Applier } from '../sql/applier.ts';
import { eachAlone } from '../sql/applier.ts';
import { apiKeys } from './api-keys.ts';
import { among, hitsOf, insertFree, insertRows, isPostgres, rowsOf } from '../sql/statements.ts';

/** How much older than the truth `last_used_at` may be: most uses of a busy key write nothing to its row. */
const LAST_USED_MS = 60_000;

/** Whoever makes another key waits for the lock on the registry, and counts this one. */
export const insertApiKey: Applier<'insert_api_key'> = eachAlone(async (db, { key, most, at }) => {
  const sql =
    'SELECT count(*) AS usable FROM api_keys WHERE client_id = ? AND (expires_at IS NULL OR expires_at > ?)';
  const [row] = await rowsOf<{ usable: number }>(db, sql, [key.clientId, at]);
  if (Number(row?.usable) >= most) return false;
  const inserted = await insertFree(db, 'api_keys', 'key_id', [apiKeys.write(key)]);
  return inserted.size === 1;
});

/**
 * Replaces a key that works, or revokes one, once. One that has ended by itself or was replaced can still be revoked,
 * which tells those that were about to open something by it.
 */
export const endApiKey: Applier<'end_api_key'> = eachAlone(async (db, change) => {
  const { keyId, expiresAt, revokedAt, replacedBy, at } = change;
  const sql = `UPDATE api_keys SET
      expires_at = CASE WHEN expires_at IS NULL OR expires_at > ? THEN ? ELSE expires_at END,
      revoked_at = ?, replaced_by = COALESCE(?, replaced_by)
    WHERE key_id = ? AND revoked_at IS NULL
      AND (CAST(? AS BIGINT) IS NOT NULL OR (replaced_by IS NULL AND (expires_at IS NULL OR expires_at > ?)))`;
  const bindings = [expiresAt, expiresAt, revokedAt, replacedBy, keyId, revokedAt, at];
  return (await hitsOf(db, sql, bindings)) === 1;
});

export const endApiKeys: Applier<'end_api_keys'> = eachAlone(async (db, { clientId, at }) => {
  const sql = `UPDATE api_keys SET expires_at = ?, revoked_at = ?
    WHERE client_id = ? AND (expires_at IS NULL OR expires_at > ?)`;
  await hitsOf(db, sql, [at, at, clientId, at]);
  return true;
});

interface HeldKey {
  readonly key_id: string;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly last_used_at: number | null;
}

/**
 * Holds the keys until the commit, so that whoever ends one finds every task that it opened: it either waits for
 * this commit or makes it miss. Always in the order of their ids, so that two nodes cannot wait for each other.
 */
export const useApiKey: Applier<'use_api_key'> = async (db, steps) => {
  const keyIds = [...new Set(steps.map(({ change }) => change.keyId))];
  const { sql, bindings } = among(db, 'key_id', keyIds);
  const rows = await rowsOf<HeldKey>(
    db,
    `SELECT key_id, expires_at, revoked_at, last_used_at FROM api_keys WHERE ${sql} ORDER BY key_id
     ${isPostgres(db) ? 'FOR NO KEY UPDATE' : ''}`,
    bindings,
  );
  const found = new Map(rows.map((row) => [row.key_id, row]));
  const hits = steps.map(({ change: { keyId, at } }) => {
    const row = found.get(keyId);
    // Whoever revoked the key has already ended what it opened: that it still worked when the unit was made is too late.
    return row?.revoked_at === null && (row.expires_at === null || row.expires_at > at);
  });
  const at = Math.max(...steps.map(({ change }) => change.at));
  const stale = rows.filter((row) => (row.last_used_at ?? 0) <= at - LAST_USED_MS).map((row) => row.key_id);
  if (stale.length > 0) {
    const those = among(db, 'key_id', stale);
    await hitsOf(db, `UPDATE api_keys SET last_used_at = ? WHERE ${those.sql}`, [at, ...those.bindings]);
  }
  const opened = steps.flatMap(({ change: { keyId, clientId, task } }) =>
    task
      ? [{ task_handle: task.handle, key_id: keyId, client_id: clientId, expires_at: task.expiresAt }]
      : [],
  );
  await insertRows(db, 'api_key_tasks', opened);
  return hits;
};
