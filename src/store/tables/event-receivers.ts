import type { Knex } from 'knex';
import type { EventReceivers } from '../../app/ports/event-receivers.ts';
import { type Applier, eachAlone } from '../sql/applier.ts';
import { hitsOf, isPostgres, rowsOf } from '../sql/statements.ts';

export function eventReceivers(db: Knex): EventReceivers {
  const greater = isPostgres(db) ? 'GREATEST' : 'MAX';
  // Whoever deletes the receiver on another node is waited for: what it deletes would be put there again.
  const held = isPostgres(db) ? 'FOR SHARE' : '';
  return {
    async position(clientId) {
      const sql = 'SELECT position FROM event_receivers WHERE client_id = ?';
      const [row] = await rowsOf<{ position: number }>(db, sql, [clientId]);
      return row?.position ?? 0;
    },
    async advance(clientId, position, at) {
      await hitsOf(
        db,
        // What is acknowledged while the receiver is deleted is nothing that one of its name has seen.
        `INSERT INTO event_receivers (client_id, position, acknowledged_at)
         SELECT ${isPostgres(db) ? '?::text, ?::bigint, ?::bigint' : '?, ?, ?'}
         WHERE (SELECT deleted_at FROM agents WHERE agents.client_id = ? ${held}) IS NULL
         ON CONFLICT (client_id) DO UPDATE SET acknowledged_at = excluded.acknowledged_at,
           position = ${greater}(event_receivers.position, excluded.position)`,
        [clientId, position, at, clientId],
      );
    },
  };
}

/** After its agent: whoever acknowledges takes both in that order. */
export const deleteEventReceiver: Applier<'delete_event_receiver'> = eachAlone(async (db, { clientId }) => {
  await hitsOf(db, 'DELETE FROM event_receivers WHERE client_id = ?', [clientId]);
  return true;
});
