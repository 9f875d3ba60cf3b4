import type { Knex } from 'knex';
import type { ApiKeyReads, OpenedBy, OpenedTask } from '../../app/ports/api-keys.ts';
import type { ApiKey } from '../../domain/api-key.ts';
import { gather } from '../waiting/gather.ts';
import { mapping, plain } from '../sql/mapping.ts';
import { type Order, pageOf } from '../sql/paging.ts';
import { among, rowsOf } from '../sql/statements.ts';

export const apiKeys = mapping<ApiKey>('api_keys', {
  keyId: plain('key_id'),
  clientId: plain('client_id'),
  name: plain('name'),
  prefix: plain('prefix'),
  digest: plain('digest'),
  createdAt: plain('created_at'),
  expiresAt: plain('expires_at'),
  revokedAt: plain('revoked_at'),
  lastUsedAt: plain('last_used_at'),
  replacedBy: plain('replaced_by'),
});

const NEWEST_FIRST: Order = { columns: { created_at: 'number', key_id: 'string' }, direction: 'desc' };

export function apiKeyReads(db: Knex): ApiKeyReads {
  return {
    byPrefix: gather((prefixes: readonly string[]) => keysBy(db, 'prefix', prefixes)),
    byId: gather((keyIds: readonly string[]) => keysBy(db, 'key_id', keyIds)),
    ofAgent: (clientId, page) =>
      pageOf(
        db('api_keys')
          .select([...apiKeys.columns])
          .where('client_id', clientId),
        NEWEST_FIRST,
        page,
        apiKeys.read,
      ),
    openTasks: (of, now, most) => openTasks(db, of, now, most),
  };
}

async function keysBy(db: Knex, column: 'prefix' | 'key_id', values: readonly string[]) {
  const { sql, bindings } = among(db, column, values);
  const rows = await rowsOf(db, `SELECT ${apiKeys.columns.join(', ')} FROM api_keys WHERE ${sql}`, bindings);
  const found = new Map(rows.map((row) => [row[column], apiKeys.read(row)]));
  return (value: string) => found.get(value);
}

async function openTasks(db: Knex, of: OpenedBy, now: number, most: number): Promise<readonly OpenedTask[]> {
  const [column, value] = 'keyId' in of ? ['key_id', of.keyId] : ['client_id', of.clientId];
  const rows = await rowsOf<{ handle: string; live: number }>(
    db,
    `SELECT opened.task_handle AS handle,
       (SELECT count(*) FROM tokens WHERE tokens.task_handle = opened.task_handle
          AND tokens.expires_at > ? AND tokens.consumed_at IS NULL) AS live
     FROM api_key_tasks opened JOIN tasks ON tasks.handle = opened.task_handle
     WHERE opened.${column} = ? AND tasks.state = 'active' AND tasks.expires_at > ? LIMIT ?`,
    [now, value, now, most],
  );
  return rows.map(({ handle, live }) => ({ handle, tokens: Number(live) }));
}
