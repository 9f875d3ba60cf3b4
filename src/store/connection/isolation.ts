import type { Knex } from 'knex';
import { beforeItIsTaken, type FreshConnection } from './around-connecting.ts';

/**
 * INVARIANT: whoever has waited for a lock sees what its holder committed. Above READ COMMITTED a transaction goes on with
 * what it saw before it waited, so limits would be exceeded and every server would make a signing key of its own.
 * Connecting fails with an error that says what to change, where the database or the role begins transactions otherwise.
 */
export function requireReadCommitted(db: Pick<Knex, 'client'>): void {
  beforeItIsTaken(db, requireLevel);
}

async function requireLevel(connection: FreshConnection): Promise<void> {
  const { rows } = await connection.query("SELECT current_setting('transaction_isolation') AS level");
  const level = String(rows[0]?.['level']);
  if (level === 'read committed' || level === 'read uncommitted') return;
  throw new Error(
    `default_transaction_isolation must be "read committed" for the database and its role, it is "${level}"`,
  );
}
