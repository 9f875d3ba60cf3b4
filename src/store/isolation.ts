import type { Knex } from 'knex';
import { isPostgres } from './statements.ts';

/**
 * INVARIANT: whoever has waited for a lock sees what its holder committed. Above READ COMMITTED a transaction goes on with
 * what it saw before it waited, so limits would be exceeded and every server would make a signing key of its own.
 * @throws Error that says what to change, where the database or the role begins transactions otherwise.
 */
export async function requireReadCommitted(db: Knex): Promise<void> {
  if (!isPostgres(db)) return;
  const { rows } = await db.raw<{ rows: { level: string }[] }>(
    "SELECT current_setting('transaction_isolation') AS level",
  );
  const level = rows[0]?.level;
  if (level === 'read committed' || level === 'read uncommitted') return;
  throw new Error(
    `default_transaction_isolation must be "read committed" for the database and its role, it is "${level}"`,
  );
}
