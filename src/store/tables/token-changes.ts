import type { Applier } from '../sql/applier.ts';
import { eachAlone } from '../sql/applier.ts';
import { toJson } from '../sql/json.ts';
import { inLockOrder } from '../sql/locks.ts';
import { among, hitsOf, inputs, insertRows, rowsOf } from '../sql/statements.ts';
import { tokens } from './tokens.ts';

export const insertToken: Applier<'insert_token'> = async (db, steps) => {
  await insertRows(
    db,
    'tokens',
    steps.map(({ change }) => tokens.write(change.token)),
  );
  return steps.map(() => true);
};

/** Single use: of any number of attempts, one hits. None does that comes after the token was revoked, on any node. */
export const consumeToken: Applier<'consume_token'> = async (db, steps) => {
  const uses = steps.map(({ change }) => ({
    token_id: change.tokenId,
    used_at: change.at,
    used_as: change.redeemedAs,
  }));
  const keys = among(
    db,
    'tokens.token_id',
    uses.map(({ token_id }) => token_id),
  );
  const columns = { token_id: 'text', used_at: 'bigint', used_as: 'text' } as const;
  const consumed = await rowsOf(
    db,
    `UPDATE tokens SET consumed_at = input.used_at, redeemed_as = input.used_as FROM ${inputs(db, columns)}
     WHERE tokens.token_id = input.token_id AND ${keys.sql} AND consumed_at IS NULL AND revoked_at IS NULL
     RETURNING tokens.token_id AS token_id`,
    [toJson(inLockOrder(uses, ({ token_id }) => token_id)), ...keys.bindings],
  );
  const ids = new Set(consumed.map((row) => row['token_id']));
  return steps.map(({ change }) => ids.has(change.tokenId));
};

/** The first revocation is the one that is told. */
export const markTokenRevoked: Applier<'mark_token_revoked'> = eachAlone(
  async (db, { tokenId, redeemedAs, reason, at }) => {
    const sql = `UPDATE tokens SET revoked_at = COALESCE(revoked_at, ?),
        revocation_reason = CASE WHEN revoked_at IS NULL THEN ? ELSE revocation_reason END
      WHERE token_id = ? AND COALESCE(redeemed_as, '') = ?`;
    return (await hitsOf(db, sql, [at, reason, tokenId, redeemedAs ?? ''])) === 1;
  },
);
