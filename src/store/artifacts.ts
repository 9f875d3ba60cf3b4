import type { Knex } from 'knex';
import type { Artifact, Artifacts } from '../app/ports.ts';
import { type Applier, eachAlone } from './applier.ts';
import { gather } from './gather.ts';
import { toJson } from './json.ts';
import { json, mapping, plain } from './mapping.ts';
import { type Order, pageOf } from './paging.ts';
import { among, hitsOf, inputs, insertFree, rowsOf } from './statements.ts';

const artifactTable = mapping<Artifact>('oidc_artifacts', {
  model: plain('model'),
  id: plain('id'),
  payload: json('payload'),
  grantId: plain('grant_id'),
  uid: plain('uid'),
  accountId: plain('account_id'),
  clientId: plain('client_id'),
  consumedAt: plain('consumed_at'),
  expiresAt: plain('expires_at'),
});

const COLUMNS = artifactTable.columns.join(', ');
const BY_ID: Order = { columns: { id: 'string' }, direction: 'asc' };

export function artifacts(db: Knex): Artifacts {
  const find = gather((keys: readonly ArtifactKey[]) => artifactsBy(db, keys));
  return {
    find: (model, id) => find({ model, id }),
    async findByUid(model, uid) {
      const sql = `SELECT ${COLUMNS} FROM oidc_artifacts WHERE uid = ? AND model = ?`;
      const [row] = await rowsOf(db, sql, [uid, model]);
      return row ? artifactTable.read(row) : undefined;
    },
    ofAccount(model, accountId, page) {
      const query = db('oidc_artifacts').select([...artifactTable.columns]);
      return pageOf(query.where({ model, account_id: accountId }), BY_ID, page, artifactTable.read);
    },
    upsert: (artifact) => upsert(db, artifact),
    async insert(artifact) {
      const row = artifactTable.write(artifact);
      return (await insertFree(db, 'oidc_artifacts', 'id', [row])).size === 1;
    },
    async destroy(model, id) {
      await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE model = ? AND id = ?', [model, id]);
    },
    async destroyByGrant(grantId) {
      await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE grant_id = ?', [grantId]);
    },
  };
}

interface ArtifactKey {
  readonly model: string;
  readonly id: string;
}

const keyOf = ({ model, id }: ArtifactKey): string => `${model}:${id}`;

async function artifactsBy(db: Knex, keys: readonly ArtifactKey[]) {
  const { sql, bindings } = among(
    db,
    'id',
    keys.map(({ id }) => id),
  );
  // Ids are digests of random values: next to none is found under two models.
  const rows = await rowsOf(db, `SELECT ${COLUMNS} FROM oidc_artifacts WHERE ${sql}`, bindings);
  const found = new Map(rows.map(artifactTable.read).map((artifact) => [keyOf(artifact), artifact]));
  return (key: ArtifactKey) => found.get(keyOf(key));
}

/** INVARIANT: what has been consumed stays consumed, whatever is saved over it. */
async function upsert(db: Knex, artifact: Artifact): Promise<void> {
  const { model, id, ...rest } = artifactTable.patch(artifact);
  const names = Object.keys(rest);
  const set = names.map((name) =>
    name === 'consumed_at'
      ? 'consumed_at = COALESCE(oidc_artifacts.consumed_at, excluded.consumed_at)'
      : `${name} = excluded.${name}`,
  );
  await hitsOf(
    db,
    `INSERT INTO oidc_artifacts (model, id, ${names.join(', ')}) VALUES (?, ?, ${names.map(() => '?').join(', ')})
     ON CONFLICT (model, id) DO UPDATE SET ${set.join(', ')}`,
    [model, id, ...Object.values(rest)],
  );
}

/** Single use: of any number of attempts, one hits. */
export const consumeArtifact: Applier<'consume_artifact'> = async (db, steps) => {
  const columns = { model: 'text', id: 'text', used_at: 'bigint' } as const;
  const consumed = await rowsOf<{ model: string; id: string }>(
    db,
    `UPDATE oidc_artifacts SET consumed_at = input.used_at FROM ${inputs(db, columns)}
     WHERE oidc_artifacts.model = input.model AND oidc_artifacts.id = input.id AND consumed_at IS NULL
     RETURNING oidc_artifacts.model AS model, oidc_artifacts.id AS id`,
    [toJson(steps.map(({ change: { model, id, at } }) => ({ model, id, used_at: at })))],
  );
  const keys = new Set(consumed.map(keyOf));
  return steps.map(({ change }) => keys.has(keyOf(change)));
};

export const deleteArtifact: Applier<'delete_artifact'> = eachAlone(async (db, { model, id }) => {
  await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE model = ? AND id = ?', [model, id]);
  return true;
});

export const deleteArtifactsOfGrant: Applier<'delete_artifacts_of_grant'> = eachAlone(
  async (db, { grant }) => {
    await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE grant_id = ?', [grant]);
    return true;
  },
);
