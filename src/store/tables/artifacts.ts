import type { Knex } from 'knex';
import type { Artifact } from '../../app/artifact.ts';
import type { Artifacts } from '../../app/ports/artifacts.ts';
import { gather } from '../waiting/gather.ts';
import { inLockOrder } from '../sql/locks.ts';
import { json, mapping, plain } from '../sql/mapping.ts';
import { filteredPageOf, type Order } from '../sql/paging.ts';
import { among, hitsOf, insertRows, type Row, rowsOf } from '../sql/statements.ts';
import { inTransaction } from '../sql/transaction.ts';

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
  const insert = gather((inserted: readonly Artifact[]) => insertAll(db, inserted));
  return {
    find: (model, id) => find({ model, id }),
    async findByUid(model, uid) {
      const sql = `SELECT ${COLUMNS} FROM oidc_artifacts WHERE uid = ? AND model = ?`;
      const [row] = await rowsOf(db, sql, [uid, model]);
      return row ? artifactTable.read(row) : undefined;
    },
    ofAccount(model, accountId, page, keep) {
      const query = db('oidc_artifacts').select([...artifactTable.columns]);
      const own = query.where({ model, account_id: accountId });
      return filteredPageOf(own, BY_ID, page, artifactTable.read, keep);
    },
    upsert: gather((saved: readonly Artifact[]) => upsertAll(db, saved)),
    async update({ model, id, consumedAt: _, ...saved }) {
      await db('oidc_artifacts').where({ model, id }).update(artifactTable.patch(saved));
    },
    // A copy, because the calls of a group are told apart by their objects.
    insert: (artifact) => insert({ ...artifact }),
    async destroy(model, id) {
      return (await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE model = ? AND id = ?', [model, id])) === 1;
    },
    async destroyByGrant(grantId) {
      await hitsOf(db, 'DELETE FROM oidc_artifacts WHERE grant_id = ?', [grantId]);
    },
  };
}

export interface ArtifactKey {
  readonly model: string;
  readonly id: string;
}

export const keyOf = ({ model, id }: ArtifactKey): string => `${model}:${id}`;

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

/**
 * Saves many with one commit. INVARIANT: what has been consumed stays consumed, whatever is saved over it.
 */
async function upsertAll(db: Knex, saved: readonly Artifact[]): Promise<() => void> {
  const latest = new Map<string, Artifact>();
  for (const artifact of saved) {
    const key = keyOf(artifact);
    latest.set(key, { ...artifact, consumedAt: latest.get(key)?.consumedAt ?? artifact.consumedAt });
  }
  await inOneCommit(db, [...latest.values()], UPSERT);
  return () => undefined;
}

/** Inserts many with one commit; of several with the same key the first one may succeed. */
async function insertAll(db: Knex, inserted: readonly Artifact[]): Promise<(artifact: Artifact) => boolean> {
  const first = new Map<string, Artifact>();
  for (const artifact of inserted) if (!first.has(keyOf(artifact))) first.set(keyOf(artifact), artifact);
  const rows = await inOneCommit(db, [...first.values()], INSERT_FREE);
  const free = new Set((rows as readonly ArtifactKey[]).map(keyOf));
  return (artifact) => first.get(keyOf(artifact)) === artifact && free.has(keyOf(artifact));
}

/** Inserts what is not taken and answers the keys that were free. */
export async function insertFreeArtifacts(db: Knex, list: readonly Artifact[]): Promise<ReadonlySet<string>> {
  const rows = await insertRows(db, 'oidc_artifacts', rowsIn(list), INSERT_FREE);
  return new Set((rows as readonly unknown[] as readonly ArtifactKey[]).map(keyOf));
}

const INSERT_FREE = 'ON CONFLICT DO NOTHING RETURNING model, id';
const UPSERT = `ON CONFLICT (id, model) DO UPDATE SET ${artifactTable.columns
  .filter((name) => name !== 'model' && name !== 'id')
  .map((name) => (name === 'consumed_at' ? keptOnce(name) : `${name} = excluded.${name}`))
  .join(', ')}`;

function keptOnce(name: string): string {
  return `${name} = COALESCE(oidc_artifacts.${name}, excluded.${name})`;
}

function rowsIn(list: readonly Artifact[]): Row[] {
  return inLockOrder(list, keyOf).map(artifactTable.write);
}

function inOneCommit(db: Knex, list: readonly Artifact[], then: string): Promise<readonly unknown[]> {
  const rows = rowsIn(list);
  if (rows.length === 1) return insertRows(db, 'oidc_artifacts', rows, then);
  return inTransaction(db, (trx) => insertRows(trx, 'oidc_artifacts', rows, then));
}
