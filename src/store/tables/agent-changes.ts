import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { Agent } from '../../domain/agent.ts';
import type { Applier } from '../sql/applier.ts';
import { eachAlone } from '../sql/applier.ts';
import { agents, secrets } from './agents.ts';
import { hitsOf, insertFree, insertRows, isPostgres, rowsOf } from '../sql/statements.ts';

export const insertAgent: Applier<'insert_agent'> = eachAlone(async (db, { agent }) => {
  const inserted = await insertFree(db, 'agents', 'client_id', [agents.write(agent)]);
  return inserted.size === 1;
});

export const updateAgent: Applier<'update_agent'> = eachAlone(async (db, change) => {
  const { clientId, expectEpoch, expect = {}, set } = change;
  const expected = { ...expect, epoch: expectEpoch };
  const found = await lockedAgent(db, clientId);
  if (!found || !isDeepStrictEqual({ ...found, ...expected }, found)) return false;
  // The epoch is always among the columns: there may be no other.
  const columns = { epoch: expectEpoch, ...agents.patch(set) };
  return (await db('agents').where({ client_id: clientId }).update(columns)) === 1;
});

/** The row as it is, which nobody else changes until the commit. */
async function lockedAgent(db: Knex, clientId: string): Promise<Omit<Agent, 'roles'> | undefined> {
  const sql = `SELECT ${agents.columns.join(', ')} FROM agents WHERE client_id = ?`;
  // SQLite's write transactions run one after another anyway.
  const [row] = await rowsOf(db, isPostgres(db) ? `${sql} FOR UPDATE` : sql, [clientId]);
  return row && agents.read(row);
}

export const insertSecret: Applier<'insert_secret'> = eachAlone(async (db, { secret }) => {
  await insertRows(db, 'client_secrets', [secrets.write(secret)]);
  return true;
});

/** Whoever gives the client another waits for the lock on the registry, and counts this one. */
export const requireFewSecrets: Applier<'require_few_secrets'> = eachAlone(
  async (db, { clientId, most, at }) => {
    const sql =
      'SELECT count(*) AS working FROM client_secrets WHERE client_id = ? AND (expires_at IS NULL OR expires_at > ?)';
    const [row] = await rowsOf<{ working: number }>(db, sql, [clientId, at]);
    return Number(row?.working) < most;
  },
);

/** Those that would end earlier anyway keep their end. Of rotations at several nodes each sees the secrets of the one before. */
export const expireSecrets: Applier<'expire_secrets'> = eachAlone(async (db, { clientId, except, at }) => {
  await lockedAgent(db, clientId);
  await hitsOf(
    db,
    `UPDATE client_secrets SET expires_at = ?
     WHERE client_id = ? AND id <> ? AND (expires_at IS NULL OR expires_at > ?)`,
    [at, clientId, except ?? '', at],
  );
  return true;
});

export const insertRegistrationToken: Applier<'insert_registration_token'> = eachAlone(
  async (db, { digest, clientId, expiresAt }) => {
    const row = { digest, client_id: clientId, expires_at: expiresAt, consumed_at: null };
    await insertRows(db, 'registration_tokens', [row]);
    return true;
  },
);

/** Single use; an expired one is as good as used. */
export const consumeRegistrationToken: Applier<'consume_registration_token'> = eachAlone(
  async (db, { digest, at }) => {
    const sql = `UPDATE registration_tokens SET consumed_at = ?
      WHERE digest = ? AND consumed_at IS NULL AND expires_at > ?`;
    return (await hitsOf(db, sql, [at, digest, at])) === 1;
  },
);
