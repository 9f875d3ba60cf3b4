import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { UserReads } from '../../app/ports/users.ts';
import type { User } from '../../domain/user.ts';
import { type Applier, eachAlone } from '../sql/applier.ts';
import { gather } from '../waiting/gather.ts';
import { json, mapping, plain } from '../sql/mapping.ts';
import { type Order, pageOf } from '../sql/paging.ts';
import { readRoles, rolesColumn } from './roles.ts';
import { among, insertFree, isPostgres, type Row, rowsOf } from '../sql/statements.ts';

/** The row itself; what roles a person has stands in a table of their own. */
const users = mapping<Omit<User, 'roles'>>('users', {
  userId: plain('user_id'),
  email: plain('email'),
  name: plain('name'),
  state: plain('state'),
  epoch: plain('epoch'),
  permissions: json('permissions'),
  createdAt: plain('created_at'),
});

const NEWEST_FIRST: Order = { columns: { created_at: 'number', user_id: 'string' }, direction: 'desc' };

export function userReads(db: Knex): UserReads {
  return {
    byId: gather((userIds: readonly string[]) => usersBy(db, userIds)),
    async byEmail(email) {
      const columns = [...users.columns, rolesOf(db)].join(', ');
      const sql = `SELECT ${columns}, password_hash FROM users WHERE email = ?`;
      const [row] = await rowsOf<Row & { password_hash: string }>(db, sql, [email]);
      return row ? { ...read(row), passwordHash: row.password_hash } : undefined;
    },
    search: (page) =>
      pageOf(db('users').select([...users.columns, db.raw(rolesOf(db))]), NEWEST_FIRST, page, read),
    async count() {
      const [row] = await rowsOf<{ total: number }>(db, 'SELECT COUNT(*) AS total FROM users', []);
      return row?.total ?? 0;
    },
  };
}

function rolesOf(db: Knex): string {
  return rolesColumn(db, 'user', 'users.user_id');
}

function read(row: Row): User {
  return { ...users.read(row), roles: readRoles(row) };
}

async function usersBy(db: Knex, userIds: readonly string[]) {
  const { sql, bindings } = among(db, 'user_id', userIds);
  const columns = [...users.columns, rolesOf(db)].join(', ');
  const rows = await rowsOf(db, `SELECT ${columns} FROM users WHERE ${sql}`, bindings);
  const found = new Map(rows.map((row) => [row['user_id'], read(row)]));
  return (userId: string) => found.get(userId);
}

/** Misses when the id or the address is taken. */
export const insertUser: Applier<'insert_user'> = eachAlone(async (db, { user, passwordHash }) => {
  const row = { ...users.write(user), password_hash: passwordHash };
  const inserted = await insertFree(db, 'users', 'user_id', [row]);
  return inserted.size === 1;
});

export const updateUser: Applier<'update_user'> = eachAlone(async (db, change) => {
  const { userId, expectEpoch, expect, set } = change;
  const { passwordHash, ...patch } = set;
  const found = await lockedUser(db, userId);
  if (!found || !isDeepStrictEqual({ ...found, ...expect, epoch: expectEpoch }, found)) return false;
  // The epoch is always among the columns: there may be no other.
  const columns = {
    epoch: expectEpoch,
    ...users.patch(patch),
    ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
  };
  return (await db('users').where({ user_id: userId }).update(columns)) === 1;
});

/** The row as it is, which nobody else changes until the commit. */
async function lockedUser(db: Knex, userId: string): Promise<Omit<User, 'roles'> | undefined> {
  const sql = `SELECT ${users.columns.join(', ')} FROM users WHERE user_id = ?`;
  // SQLite's write transactions run one after another anyway.
  const [row] = await rowsOf(db, isPostgres(db) ? `${sql} FOR UPDATE` : sql, [userId]);
  return row && users.read(row);
}
