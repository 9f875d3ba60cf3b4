import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { ResourceServerReads } from '../app/ports.ts';
import type { ResourceServer } from '../domain/resource-server.ts';
import { type Applier, eachAlone } from './applier.ts';
import { gather } from './gather.ts';
import { lockUntilCommit } from './locks.ts';
import { json, mapping, plain } from './mapping.ts';
import { among, hitsOf, insertFree, rowsOf } from './statements.ts';

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
    byAudience: gather(async (audiences: readonly string[]) => {
      const owners = await ownersOf(db, audiences);
      const find = await serversBy(db, [...new Set(owners.values())]);
      return (audience: string) => {
        const owner = owners.get(audience);
        return owner === undefined ? undefined : find(owner);
      };
    }),
    async all() {
      const sql = 'SELECT client_id FROM resource_servers ORDER BY created_at, client_id';
      const ids = (await rowsOf<{ client_id: string }>(db, sql, [])).map((row) => row.client_id);
      const find = await serversBy(db, ids);
      return ids.map(find).filter((server) => server !== undefined);
    },
  };
}

async function ownersOf(db: Knex, audiences: readonly string[]): Promise<Map<string, string>> {
  const { sql, bindings } = among(db, 'audience', audiences);
  const statement = `SELECT audience, client_id FROM audiences WHERE ${sql}`;
  const rows = await rowsOf<{ audience: string; client_id: string }>(db, statement, bindings);
  return new Map(rows.map((row) => [row.audience, row.client_id]));
}

async function serversBy(db: Knex, clientIds: readonly string[]) {
  const { sql, bindings } = among(db, 'client_id', clientIds);
  const columns = servers.columns.join(', ');
  const rows = await rowsOf(db, `SELECT ${columns} FROM resource_servers WHERE ${sql}`, bindings);
  const owned = await rowsOf<{ audience: string; client_id: string }>(
    db,
    `SELECT audience, client_id FROM audiences WHERE ${sql} ORDER BY position`,
    bindings,
  );
  const audiences = Map.groupBy(owned, (row) => row.client_id);
  const found = new Map<string, ResourceServer>();
  for (const server of rows.map(servers.read)) {
    const names = (audiences.get(server.clientId) ?? []).map(({ audience }) => audience);
    found.set(server.clientId, { ...server, audiences: names });
  }
  return (clientId: string) => found.get(clientId);
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
  const owners = await ownersOf(db, distinct.flatMap(spellings));
  if ([...owners.values()].some((owner) => owner !== clientId)) return false;
  const rows = distinct.map((audience, position) => ({ audience, client_id: clientId, position }));
  return (await insertFree(db, 'audiences', 'audience', rows)).size === distinct.length;
}

function spellings(audience: string): string[] {
  const bare = audience.replace(/\/$/, '');
  return [bare, `${bare}/`];
}
