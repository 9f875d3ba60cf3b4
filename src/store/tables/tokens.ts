import type { Knex } from 'knex';
import type { Page, Paged } from '../../app/ports/page.ts';
import type { TokenFilter, TokenReads } from '../../app/ports/tokens.ts';
import { tokenDependencies } from '../../domain/revocation.ts';
import type { TaskToken } from '../../domain/task-token.ts';
import { gather } from '../waiting/gather.ts';
import { endedAmong } from '../ledger/ledger.ts';
import { boolean, json, mapping, plain } from '../sql/mapping.ts';
import { type Filter, filteredPageOf, type Order, pageOf } from '../sql/paging.ts';
import { among, isPostgres, notFirst, rowsOf } from '../sql/statements.ts';
import { pathsBelow, tasksBy } from './tasks.ts';

export const tokens = mapping<TaskToken>('tokens', {
  tokenId: plain('token_id'),
  kind: plain('kind'),
  digest: plain('digest'),
  jwtDigest: plain('jwt_digest'),
  format: plain('format'),
  taskHandle: plain('task_handle'),
  taskId: plain('task_id'),
  parentTaskId: plain('parent_task_id'),
  parentTokenId: plain('parent_token_id'),
  clientId: plain('client_id'),
  subject: plain('subject'),
  audience: plain('audience'),
  grant: plain('grant_handle'),
  delegateTo: plain('delegate_to'),
  redeemedAs: plain('redeemed_as'),
  detailed: boolean('detailed'),
  generation: plain('generation'),
  keyThumbprint: plain('key_thumbprint'),
  scope: json('scope'),
  audiences: json('audiences'),
  tools: json('tools'),
  resources: json('resources'),
  issuedAt: plain('issued_at'),
  expiresAt: plain('expires_at'),
  consumedAt: plain('consumed_at'),
  revokedAt: plain('revoked_at'),
  revocationReason: plain('revocation_reason'),
  statusList: plain('status_list'),
  statusIndex: plain('status_index'),
});

const NEWEST_FIRST: Order = { columns: { issued_at: 'number', token_id: 'string' }, direction: 'desc' };

export function tokenReads(db: Knex): Omit<TokenReads, 'standing'> {
  return {
    byId: gather((ids: readonly string[]) => tokensBy(db, 'token_id', ids)),
    byDigest: gather((digests: readonly string[]) => tokensBy(db, 'digest', digests)),
    search: (filter, page) => search(db, filter, page),
    async ofTask(taskHandle) {
      const rows = await select(db).where('task_handle', taskHandle).orderBy(['issued_at', 'token_id']);
      return rows.map(tokens.read);
    },
    countBelow: ({ handle, via }, now, cap) =>
      via === undefined ? countBelow(db, handle, now, cap) : countThrough(db, handle, via, now, cap),
  };
}

async function tokensBy(db: Knex, column: 'token_id' | 'digest', values: readonly string[]) {
  const { sql, bindings } = among(db, column, values);
  const rows = await rowsOf(db, `SELECT ${tokens.columns.join(', ')} FROM tokens WHERE ${sql}`, bindings);
  const found = new Map(rows.map((row) => [row[column], tokens.read(row)]));
  return (value: string) => found.get(value);
}

function select(db: Knex): Knex.QueryBuilder {
  return db('tokens').select([...tokens.columns]);
}

function search(db: Knex, filter: TokenFilter, page: Page): Promise<Paged<TaskToken>> {
  const { revoked, valid, now } = filter;
  const query = select(db);
  const afterTask = notFirst(db, filter.taskId !== undefined);
  const afterParent = notFirst(db, filter.taskId !== undefined || filter.parentTaskId !== undefined);
  if (filter.taskId !== undefined) {
    query.where('task_handle', db('tasks').select('handle').where('task_id', filter.taskId));
  }
  if (filter.parentTaskId !== undefined)
    query.whereRaw(`${afterTask}parent_task_id = ?`, [filter.parentTaskId]);
  if (filter.clientId !== undefined) query.whereRaw(`${afterParent}client_id = ?`, [filter.clientId]);
  if (filter.subject !== undefined) query.whereRaw(`${afterParent}subject = ?`, [filter.subject]);
  const usable: Filter | undefined =
    valid === true
      ? (rows) => rows.where('expires_at', '>', now).whereNull('consumed_at').whereNull('revoked_at')
      : undefined;
  if (revoked === undefined && valid === undefined) return pageOf(query, NEWEST_FIRST, page, tokens.read);
  const keep = async (found: readonly TaskToken[]) => {
    const ended = await revokedAmong(db, found);
    return found.map((token, i) => {
      const isRevoked = ended[i] ?? false;
      const isValid = !isRevoked && token.consumedAt === null && token.expiresAt > now;
      return (revoked ?? isRevoked) === isRevoked && (valid ?? isValid) === isValid;
    });
  };
  return filteredPageOf(query, NEWEST_FIRST, page, tokens.read, keep, usable);
}

/** A token counts as revoked when any handle that it depends on has been revoked. */
async function revokedAmong(db: Knex, found: readonly TaskToken[]): Promise<readonly boolean[]> {
  const taskOf = await tasksBy(db, 'handle', [...new Set(found.map(({ taskHandle }) => taskHandle))]);
  const dependencies = found.map((token) => {
    const task = taskOf(token.taskHandle);
    return task ? tokenDependencies(token, task) : [];
  });
  const ended = await endedAmong(db, dependencies);
  return found.map(({ revokedAt }, i) => revokedAt !== null || ended[i] === true);
}

async function countBelow(db: Knex, handle: string, now: number, cap: number): Promise<number> {
  const [top] = await rowsOf<{ path: string }>(db, 'SELECT path FROM tasks WHERE handle = ?', [handle]);
  if (!top) return 0;
  return countUpTo(
    db,
    cap,
    `SELECT 1 FROM tasks below JOIN tokens ON tokens.task_handle = below.handle
     WHERE below.path >= ? AND below.path < ? AND tokens.expires_at > ?`,
    [...pathsBelow(top.path), now],
  );
}

/**
 * What was derived through one token: the tasks that name it as their parent, and everything below them. PostgreSQL
 * guesses that much lies below any path, and would read every task there is; a lateral query behind a fence (OFFSET 0)
 * looks below one child after another, and ends with the limit.
 */
function countThrough(db: Knex, handle: string, via: string, now: number, cap: number): Promise<number> {
  const below = `tasks below JOIN tokens ON tokens.task_handle = below.handle
     WHERE tokens.expires_at > ? AND below.path >= child.path AND below.path < child.path || '0'
       AND (below.path = child.path OR below.path >= child.path || '/')`;
  const isChild = 'child.parent_token_id = ? AND child.parent_handle = ?';
  const select = isPostgres(db)
    ? `SELECT 1 FROM tasks child CROSS JOIN LATERAL (SELECT 1 FROM ${below} OFFSET 0) AS found WHERE ${isChild}`
    : `SELECT 1 FROM tasks child CROSS JOIN ${below} AND ${isChild}`;
  return countUpTo(db, cap, select, [now, via, handle]);
}

/** The number of rows, or `cap` + 1 when there are more: it never reads further than that. */
async function countUpTo(
  db: Knex,
  cap: number,
  select: string,
  bindings: readonly unknown[],
): Promise<number> {
  const sql = `SELECT COUNT(*) AS total FROM (${select} LIMIT ?) AS bounded`;
  const [row] = await rowsOf<{ total: number }>(db, sql, [...bindings, cap + 1]);
  return row?.total ?? 0;
}
