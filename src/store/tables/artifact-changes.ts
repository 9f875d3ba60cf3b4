import { type Applier, eachAlone } from '../sql/applier.ts';
import { insertFreeArtifacts, keyOf } from './artifacts.ts';
import { toJson } from '../sql/json.ts';
import { inLockOrder } from '../sql/locks.ts';
import { among, hitsOf, inputs, rowsOf } from '../sql/statements.ts';

/** For ids that are new by construction: a taken one is a miss. */
export const insertArtifact: Applier<'insert_artifact'> = async (db, steps) => {
  const free = await insertFreeArtifacts(
    db,
    steps.map(({ change }) => change.artifact),
  );
  return steps.map(({ change }) => free.has(keyOf(change.artifact)));
};

/** Single use: of any number of attempts, one hits. */
export const consumeArtifact: Applier<'consume_artifact'> = async (db, steps) => {
  const columns = { model: 'text', id: 'text', used_at: 'bigint' } as const;
  const uses = steps.map(({ change: { model, id, at } }) => ({ model, id, used_at: at }));
  const keys = among(
    db,
    'oidc_artifacts.id',
    steps.map(({ change }) => change.id),
  );
  const consumed = await rowsOf<{ model: string; id: string }>(
    db,
    `UPDATE oidc_artifacts SET consumed_at = input.used_at FROM ${inputs(db, columns)}
     WHERE oidc_artifacts.model = input.model AND oidc_artifacts.id = input.id AND ${keys.sql}
       AND consumed_at IS NULL
     RETURNING oidc_artifacts.model AS model, oidc_artifacts.id AS id`,
    [toJson(inLockOrder(uses, keyOf)), ...keys.bindings],
  );
  const hits = new Set(consumed.map(keyOf));
  return steps.map(({ change }) => hits.has(keyOf(change)));
};

export const deleteArtifact: Applier<'delete_artifact'> = eachAlone(async (db, { model, id }) => {
  return (await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE model = ? AND id = ?', [model, id])) === 1;
});

export const deleteArtifactsOfGrant: Applier<'delete_artifacts_of_grant'> = eachAlone(
  async (db, { grant }) => {
    await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE grant_id = ?', [grant]);
    return true;
  },
);

export const deleteSessionsAndConsents: Applier<'delete_sessions_and_consents'> = eachAlone(
  async (db, { userId }) => {
    const sql = "DELETE FROM oidc_artifacts WHERE model IN ('Session', 'Grant') AND account_id = ?";
    await hitsOf(db, sql, [userId]);
    return true;
  },
);

/** They alone are kept without end, so the index of when records end finds them. */
export const deleteRegistrationAccessToken: Applier<'delete_registration_access_token'> = eachAlone(
  async (db, { clientId }) => {
    const sql = `DELETE FROM oidc_artifacts
      WHERE expires_at IS NULL AND model = 'RegistrationAccessToken' AND client_id = ?`;
    await hitsOf(db, sql, [clientId]);
    return true;
  },
);
