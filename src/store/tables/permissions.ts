import type { Knex } from 'knex';
import type { CatalogueEntry, PermissionReads } from '../../app/ports/permissions.ts';
import { type Applier, eachAlone } from '../sql/applier.ts';
import { mapping, plain } from '../sql/mapping.ts';
import { hitsOf, insertFree, rowsOf } from '../sql/statements.ts';

const entries = mapping<CatalogueEntry>('catalogue_permissions', {
  permission: plain('permission'),
  description: plain('description'),
  createdAt: plain('created_at'),
});

export function permissionReads(db: Knex): PermissionReads {
  const select = `SELECT ${entries.columns.join(', ')} FROM catalogue_permissions`;
  return {
    async byName(permission) {
      const [row] = await rowsOf(db, `${select} WHERE permission = ?`, [permission]);
      return row && entries.read(row);
    },
    async all() {
      const rows = await rowsOf(db, `${select} ORDER BY created_at, permission`, []);
      return rows.map(entries.read);
    },
  };
}

/** Whoever adds another waits for the lock on the registry, and counts this one. */
export const insertPermission: Applier<'insert_permission'> = eachAlone(async (db, { entry, most }) => {
  const [row] = await rowsOf<{ total: number }>(
    db,
    'SELECT count(*) AS total FROM catalogue_permissions',
    [],
  );
  if (Number(row?.total) >= most) return false;
  const inserted = await insertFree(db, 'catalogue_permissions', 'permission', [entries.write(entry)]);
  return inserted.size === 1;
});

/** Misses when it is not there. */
export const deletePermission: Applier<'delete_permission'> = eachAlone(async (db, { permission }) => {
  return (await hitsOf(db, 'DELETE FROM catalogue_permissions WHERE permission = ?', [permission])) === 1;
});
