import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { ResourceServerReads } from '../../app/ports/resource-servers.ts';
import type { ResourceServer } from '../../domain/resource-server.ts';
import { type Applier, eachAlone } from '../sql/applier.ts';
import { gather } from '../waiting/gather.ts';
import { lockUntilCommit } from '../sql/locks.ts';
import { json, mapping, plain } from '../sql/mapping.ts';
import { fromJson } from '../sql/json.ts';
import { among, hitsOf, insertFree, jsonListOf, type Row, rowsOf } from '../sql/statements.ts';

/** The row itself; audiences have a table of their own, which gives each of them one owner. */
const servers = mapping<Omit<ResourceServer, 'audiences'>>('resource_servers', {
  clientId: plain('client_id'),
  name: plain('name'),
  scopes: json('scopes'),
  tokenFormat: plain('token_format'),
  createdAt: plain('created_at'),
});

export function resourceServerReads(db: Knex): ResourceServerReads {
  return {
    byClientId: gather((clientIds: readonly string[]) => serversBy(db, clientIds)),
    byAudience: gather((audiences: readonly string[]) => ownersOf(db, audiences)),
    async all() {
      const rows = await select(db, 'resource_servers', { sql: '1 = 1', bindings: [] });
      return rows.map(read).toSorted(byAge);
    },
  };
}

async function serversBy(db: Knex, clientIds: readonly string[]) {
  const rows = await select(db, 'resource_servers', among(db, 'resource_servers.client_id', clientIds));
  const found = new Map(rows.map(read).map((server) => [server.clientId, server]));
  return (clientId: string) => found.get(clientId);
}

/** Who owns each of these audiences. */
async function ownersOf(db: Knex, audiences: readonly string[]) {
  const owned = 'resource_servers JOIN audiences asked ON asked.client_id = resource_servers.client_id';
  const rows = await select(db, owned, among(db, 'asked.audience', audiences), ['asked.audience']);
  const found = new Map(rows.map((row) => [row['audience'], read(row)]));
  return (audience: string) => found.get(audience);
}

/** One statement reads servers with their audiences. */
function select(
  db: Knex,
  from: string,
  where: { sql: string; bindings: unknown[] },
  more: readonly string[] = [],
): Promise<readonly Row[]> {
  const columns = [...servers.columns.map((column) => `resource_servers.${column}`), ...more].join(', ');
  const owned = jsonListOf(
    db,
    ['audience', 'position'],
    'audiences owned WHERE owned.client_id = resource_servers.client_id',
  );
  return rowsOf(db, `SELECT ${columns}, ${owned} AS owned FROM ${from} WHERE ${where.sql}`, where.bindings);
}

function read(row: Row): ResourceServer {
  const owned = fromJson(row['owned']) as { audience: string; position: number }[];
  const audiences = owned.toSorted((a, b) => a.position - b.position).map(({ audience }) => audience);
  return { ...servers.read(row), audiences };
}

function byAge(a: ResourceServer, b: ResourceServer): number {
  return a.createdAt - b.createdAt || (a.clientId < b.clientId ? -1 : 1);
}

/** Misses when the client has one already, or an audience has another owner. */
export const insertResourceServer: Applier<'insert_resource_server'> = eachAlone(async (db, { server }) => {
  await lockUntilCommit(db, 'audiences');
  const { audiences, ...row } = server;
  const inserted = await insertFree(db, 'resource_servers', 'client_id', [servers.write(row)]);
  return inserted.size === 1 && (await takeAudiences(db, server.clientId, audiences));
});

/** Misses when there is none, it is not as expected, or an audience has another owner. */
export const updateResourceServer: Applier<'update_resource_server'> = eachAlone(
  async (db, { server, expect }) => {
    const { audiences, clientId, ...rest } = server;
    await lockUntilCommit(db, 'audiences');
    const before = (await serversBy(db, [clientId]))(clientId);
    if (expect !== undefined && !isDeepStrictEqual(before, expect)) return false;
    const updated = await db('resource_servers').where('client_id', clientId).update(servers.patch(rest));
    if (updated !== 1) return false;
    await hitsOf(db, 'DELETE FROM audiences WHERE client_id = ?', [clientId]);
    return takeAudiences(db, clientId, audiences);
  },
);

export const deleteResourceServer: Applier<'delete_resource_server'> = eachAlone(async (db, { clientId }) => {
  await hitsOf(db, 'DELETE FROM audiences WHERE client_id = ?', [clientId]);
  await hitsOf(db, 'DELETE FROM resource_servers WHERE client_id = ?', [clientId]);
  return true;
});

/** Whether written with a trailing slash or without (T7): it is one audience with one owner. */
async function takeAudiences(db: Knex, clientId: string, audiences: readonly string[]): Promise<boolean> {
  const distinct = [...new Set(audiences)];
  const names = distinct.flatMap(spellings);
  const ownerOf = await ownersOf(db, names);
  if (names.some((name) => (ownerOf(name)?.clientId ?? clientId) !== clientId)) return false;
  const rows = distinct.map((audience, position) => ({ audience, client_id: clientId, position }));
  return (await insertFree(db, 'audiences', 'audience', rows)).size === distinct.length;
}

function spellings(audience: string): string[] {
  const bare = audience.replace(/\/$/, '');
  return [bare, `${bare}/`];
}
