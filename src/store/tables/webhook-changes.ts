import { type Applier, eachAlone } from '../sql/applier.ts';
import { lockUntilCommit } from '../sql/locks.ts';
import { hitsOf, insertFree, insertRows, isPostgres, rowsOf } from '../sql/statements.ts';
import { deliveries, webhooks } from './webhooks.ts';

/** Misses when the owner has as many as it may. */
export const insertWebhook: Applier<'insert_webhook'> = eachAlone(async (db, { webhook, most }) => {
  await lockUntilCommit(db, 'webhooks');
  const sql = 'SELECT count(*) AS total FROM webhooks WHERE owner = ?';
  const [row] = webhook.owner === null ? [] : await rowsOf<{ total: number }>(db, sql, [webhook.owner]);
  if ((row?.total ?? 0) >= most) return false;
  await insertRows(db, 'webhooks', [webhooks.write(webhook)]);
  return true;
});

/**
 * Misses when it was changed, or deleted, since it was read. Once it is enabled, what it still has to be told waits no
 * longer for the next attempt.
 */
export const updateWebhook: Applier<'update_webhook'> = eachAlone(
  async (db, { id, expectUpdatedAt, set }) => {
    const read = db('webhooks').where({ id, updated_at: expectUpdatedAt });
    if ((await read.update(webhooks.patch(set))) !== 1) return false;
    if (set.enabled === true) {
      const sql = `UPDATE webhook_deliveries SET due_at = ?
        WHERE webhook_id = ? AND state = 'pending' AND due_at > ?`;
      await hitsOf(db, sql, [set.updatedAt, id, set.updatedAt]);
    }
    return true;
  },
);

/** What it still had to be told goes as well; what it was told stays until it is cleaned up. */
export const deleteWebhook: Applier<'delete_webhook'> = eachAlone(async (db, { id }) => {
  const deleted = await hitsOf(db, 'DELETE FROM webhooks WHERE id = ?', [id]);
  if (deleted !== 1) return false;
  await hitsOf(db, "DELETE FROM webhook_deliveries WHERE webhook_id = ? AND state = 'pending'", [id]);
  return true;
});

/** Whoever deletes it waits for this commit, and takes with it what was added to what it has to be told. */
export const requireWebhook: Applier<'require_webhook'> = eachAlone(async (db, { id }) => {
  const sql = 'SELECT id FROM webhooks WHERE id = ? AND enabled';
  return (await rowsOf(db, isPostgres(db) ? `${sql} FOR KEY SHARE` : sql, [id])).length === 1;
});

/** A delivery that no webhook had to ask for: one is told alone. */
export const insertDelivery: Applier<'insert_webhook_delivery'> = eachAlone(
  async (db, { delivery, unitId }) => {
    const row = { ...deliveries.write(delivery), unit_id: unitId, position: 0 };
    return (await insertFree(db, 'webhook_deliveries', 'id', [row])).size === 1;
  },
);

/** As if it had not been tried yet, but now. Misses while somebody is trying it. */
export const redeliver: Applier<'redeliver'> = eachAlone(async (db, { webhookId, deliveryId, at }) => {
  const sql = `UPDATE webhook_deliveries
    SET state = 'pending', attempts = 0, due_at = ?, delivered_at = NULL, lease = NULL, leased_until = NULL
    WHERE id = ? AND webhook_id = ? AND (leased_until IS NULL OR leased_until <= ?)`;
  return (await hitsOf(db, sql, [at, deliveryId, webhookId, at])) === 1;
});
