import type { Knex } from 'knex';
import type { EventReceivers } from '../app/ports/event-receivers.ts';
import { hitsOf, isPostgres, rowsOf } from './statements.ts';

export function eventReceivers(db: Knex): EventReceivers {
  const greater = isPostgres(db) ? 'GREATEST' : 'MAX';
  return {
    async position(clientId) {
      const sql = 'SELECT position FROM event_receivers WHERE client_id = ?';
      const [row] = await rowsOf<{ position: number }>(db, sql, [clientId]);
      return row?.position ?? 0;
    },
    async advance(clientId, position, at) {
      await hitsOf(
        db,
        `INSERT INTO event_receivers (client_id, position, acknowledged_at) VALUES (?, ?, ?)
         ON CONFLICT (client_id) DO UPDATE SET acknowledged_at = excluded.acknowledged_at,
           position = ${greater}(event_receivers.position, excluded.position)`,
        [clientId, position, at],
      );
    },
  };
}
