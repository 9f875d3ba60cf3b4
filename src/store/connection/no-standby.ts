import type { Knex } from 'knex';
import { beforeItIsTaken, type FreshConnection } from './around-connecting.ts';
import { READ_ONLY } from './statement-reuse.ts';

/**
 * INVARIANT: no answer rests on less than what was committed. A standby answers, too, but may lag behind, and during a
 * failover the name of a server may stand for one: a token that was revoked a moment ago would be told to be active.
 * Connecting to one fails with the code of a server that only reads.
 */
export function refuseStandbys(db: Pick<Knex, 'client'>): void {
  beforeItIsTaken(db, requirePrimary);
}

async function requirePrimary(connection: FreshConnection): Promise<void> {
  const { rows } = await connection.query('SELECT pg_is_in_recovery() AS follows');
  if (rows[0]?.['follows'] === false) return;
  throw Object.assign(new Error('the database server is a standby, which only follows another one'), {
    code: READ_ONLY,
  });
}
