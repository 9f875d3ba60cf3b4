import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { Page, Paged } from '../../app/ports/page.ts';
import type { RoleMember, RoleReads } from '../../app/ports/roles.ts';
import type { HeldRole, HolderKind, Role } from '../../domain/role.ts';
import { type Applier, eachAlone } from '../sql/applier.ts';
import { fromJson } from '../sql/json.ts';
import { json, mapping, plain } from '../sql/mapping.ts';
import { type Order, pageOf } from '../sql/paging.ts';
import { hitsOf, insertFree, isPostgres, jsonListOf, type Row, rowsOf } from '../sql/statements.ts';

const roles = mapping<Role>('roles', {
  name: plain('name'),
  description: plain('description'),
  permissions: json('permissions'),
  createdAt: plain('created_at'),
  updatedAt: plain('updated_at'),
});

const held = mapping<HeldRole>('roles', { name: plain('name'), permissions: json('permissions') });

const OLDEST_FIRST: Order = { columns: { created_at: 'number', name: 'string' }, direction: 'asc' };
const AS_ASSIGNED: Order = {
  columns: { assigned_at: 'number', holder_kind: 'string', holder_id: 'string' },
  direction: 'asc',
};

export function roleReads(db: Knex): RoleReads {
  return {
    byName: (name) => roleBy(db, name),
    search: (page) => pageOf(db('roles').select([...roles.columns]), OLDEST_FIRST, page, roles.read),
    members: (role, page) => membersOf(db, role, page),
  };
}

/** A column `roles` that holds the roles of each row, whose key is the column `id`; readRoles reads it. */
export function rolesColumn(db: Knex, kind: HolderKind, id: string): string {
  const own = `role_assignments JOIN roles ON roles.name = role_assignments.role
    WHERE role_assignments.holder_kind = '${kind}' AND role_assignments.holder_id = ${id}`;
  return `${jsonListOf(db, held.columns, own)} AS roles`;
}

/** In the order of their names. */
export function readRoles(row: Row): readonly HeldRole[] {
  const list = fromJson(row['roles']) as readonly Row[];
  return list.map(held.read).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function roleBy(db: Knex, name: string, lock = ''): Promise<Role | undefined> {
  const sql = `SELECT ${roles.columns.join(', ')} FROM roles WHERE name = ? ${lock}`;
  const [row] = await rowsOf(db, sql, [name]);
  return row && roles.read(row);
}

/** SQLite's write transactions run one after another anyway. */
function lockedRole(db: Knex, name: string): Promise<Role | undefined> {
  return roleBy(db, name, isPostgres(db) ? 'FOR UPDATE' : '');
}

function membersOf(db: Knex, role: string, page: Page): Promise<Paged<RoleMember>> {
  const members = db('role_assignments AS m')
    .leftJoin('agents AS a', (on) => on.on('a.client_id', 'm.holder_id').andOnVal('m.holder_kind', 'agent'))
    .leftJoin('users AS u', (on) => on.on('u.user_id', 'm.holder_id').andOnVal('m.holder_kind', 'user'))
    .where('m.role', role)
    .whereNull('a.deleted_at')
    .select(['m.holder_kind', 'm.holder_id', 'm.assigned_at'])
    .select(db.raw('COALESCE(a.name, u.name) AS name'));
  return pageOf(db.from(members.as('members')).select('*'), AS_ASSIGNED, page, (row) => ({
    kind: row['holder_kind'] as HolderKind,
    id: String(row['holder_id']),
    name: String(row['name']),
    assignedAt: Number(row['assigned_at']),
  }));
}

/** Misses when the name is taken. */
export const insertRole: Applier<'insert_role'> = eachAlone(async (db, { role }) => {
  const inserted = await insertFree(db, 'roles', 'name', [roles.write(role)]);
  return inserted.size === 1;
});

/** Misses when there is none, or it is not as expected. */
export const updateRole: Applier<'update_role'> = eachAlone(async (db, { role, expect }) => {
  if (!isDeepStrictEqual(await lockedRole(db, role.name), expect)) return false;
  const { name, ...rest } = role;
  return (await db('roles').where({ name }).update(roles.patch(rest))) === 1;
});

/** Takes it from everyone who holds it. Misses when there is none. */
export const deleteRole: Applier<'delete_role'> = eachAlone(async (db, { name }) => {
  if (!(await lockedRole(db, name))) return false;
  await hitsOf(db, 'DELETE FROM role_assignments WHERE role = ?', [name]);
  return (await hitsOf(db, 'DELETE FROM roles WHERE name = ?', [name])) === 1;
});

/** Whoever assigns another waits for the lock on the registry, and counts this one. */
export const assignRole: Applier<'assign_role'> = eachAlone(async (db, { role, holder, most, at }) => {
  if (!(await lockedRole(db, role))) return false;
  const sql = 'SELECT count(*) AS total FROM role_assignments WHERE holder_kind = ? AND holder_id = ?';
  const [held] = await rowsOf<{ total: number }>(db, sql, [holder.kind, holder.id]);
  if (Number(held?.total) >= most) return false;
  const row = { holder_kind: holder.kind, holder_id: holder.id, role, assigned_at: at };
  return (await insertFree(db, 'role_assignments', 'role', [row])).size === 1;
});

/** Misses when the role was not assigned. */
export const unassignRole: Applier<'unassign_role'> = eachAlone(async (db, { role, holder }) => {
  const sql = 'DELETE FROM role_assignments WHERE holder_kind = ? AND holder_id = ? AND role = ?';
  return (await hitsOf(db, sql, [holder.kind, holder.id, role])) === 1;
});
