import type { Knex } from 'knex';
import type { AgentFilter, AgentReads } from '../../app/ports/agents.ts';
import type { ClientSecret } from '../../app/unit-of-work.ts';
import type { Agent } from '../../domain/agent.ts';
import { gather } from '../waiting/gather.ts';
import { boolean, json, mapping, plain } from '../sql/mapping.ts';
import { type Order, pageOf, sliceOf } from '../sql/paging.ts';
import { fromJson } from '../sql/json.ts';
import { readRoles, rolesColumn } from './roles.ts';
import { among, isPostgres, jsonListOf, type Row, rowsOf } from '../sql/statements.ts';

/** The row itself; what roles it has stands in a table of their own. */
export const agents = mapping<Omit<Agent, 'roles'>>('agents', {
  clientId: plain('client_id'),
  kind: plain('kind'),
  name: plain('name'),
  description: plain('description'),
  owner: plain('owner'),
  state: plain('state'),
  epoch: plain('epoch'),
  tier: plain('tier'),
  challengeWaived: boolean('challenge_waived'),
  metadata: json('metadata'),
  permissions: json('permissions'),
  defaultScope: json('default_scope'),
  tools: json('tools'),
  resources: json('resources'),
  audiences: json('audiences'),
  maxDepth: plain('max_depth'),
  maxChildren: plain('max_children'),
  maxTaskSeconds: plain('max_task_seconds'),
  createdAt: plain('created_at'),
  activatedAt: plain('activated_at'),
  deletedAt: plain('deleted_at'),
});

export const secrets = mapping<ClientSecret>('client_secrets', {
  id: plain('id'),
  clientId: plain('client_id'),
  digest: plain('digest'),
  createdAt: plain('created_at'),
  expiresAt: plain('expires_at'),
});

const NEWEST_FIRST: Order = { columns: { created_at: 'number', client_id: 'string' }, direction: 'desc' };

export function agentReads(db: Knex): AgentReads {
  const secretsOf = gather((clientIds: readonly string[]) => secretsBy(db, clientIds));
  return {
    byId: gather((clientIds: readonly string[]) => agentsBy(db, clientIds)),
    withSecrets: gather((clientIds: readonly string[]) => agentsWithSecrets(db, clientIds)),
    byRegistrationToken: (digest) => byRegistrationToken(db, digest),
    async secrets(clientId, now) {
      const all = await secretsOf(clientId);
      return all.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
    },
    search: (filter, page) => pageOf(matching(db, filter), NEWEST_FIRST, page, read),
    slice: (filter, slice) => sliceOf(matching(db, filter), NEWEST_FIRST, slice, read),
  };
}

function rolesOf(db: Knex): string {
  return rolesColumn(db, 'agent', 'agents.client_id');
}

function read(row: Row): Agent {
  return { ...agents.read(row), roles: readRoles(row) };
}

async function agentsBy(db: Knex, clientIds: readonly string[]) {
  const { sql, bindings } = among(db, 'client_id', clientIds);
  const columns = [...agents.columns, rolesOf(db)].join(', ');
  const rows = await rowsOf(db, `SELECT ${columns} FROM agents WHERE ${sql}`, bindings);
  const found = new Map(rows.map((row) => [row['client_id'], read(row)]));
  return (clientId: string) => found.get(clientId);
}

/** What authenticating a client takes, in one read. */
async function agentsWithSecrets(db: Knex, clientIds: readonly string[]) {
  const { sql, bindings } = among(db, 'client_id', clientIds);
  const columns = [...agents.columns, rolesOf(db)].join(', ');
  const own = jsonListOf(
    db,
    secrets.columns,
    'client_secrets WHERE client_secrets.client_id = agents.client_id',
  );
  const rows = await rowsOf(db, `SELECT ${columns}, ${own} AS secrets FROM agents WHERE ${sql}`, bindings);
  const found = new Map(
    rows.map((row) => {
      const list = fromJson(row['secrets']) as readonly Row[];
      return [row['client_id'], { agent: read(row), secrets: list.map(secrets.read) }];
    }),
  );
  return (clientId: string) => found.get(clientId);
}

async function secretsBy(db: Knex, clientIds: readonly string[]) {
  const { sql, bindings } = among(db, 'client_id', clientIds);
  const rows = await rowsOf(
    db,
    `SELECT ${secrets.columns.join(', ')} FROM client_secrets WHERE ${sql} ORDER BY created_at DESC, id`,
    bindings,
  );
  const found = Map.groupBy(rows.map(secrets.read), ({ clientId }) => clientId);
  return (clientId: string) => found.get(clientId) ?? [];
}

async function byRegistrationToken(db: Knex, digest: string) {
  const columns = [...agents.columns.map((column) => `agents.${column}`), rolesOf(db)];
  const [row] = await rowsOf<Row & { token_expires_at: number; token_consumed_at: number | null }>(
    db,
    `SELECT ${columns.join(', ')}, t.expires_at AS token_expires_at, t.consumed_at AS token_consumed_at
     FROM registration_tokens t JOIN agents ON agents.client_id = t.client_id WHERE t.digest = ?`,
    [digest],
  );
  if (!row) return undefined;
  return { agent: read(row), expiresAt: row.token_expires_at, consumedAt: row.token_consumed_at };
}

function matching(db: Knex, filter: AgentFilter): Knex.QueryBuilder {
  const query = db('agents').select([...agents.columns, db.raw(rolesOf(db))]);
  if (filter.state !== undefined) query.where('state', filter.state);
  if (filter.kind !== undefined) query.where('kind', filter.kind);
  if (filter.name !== undefined) query.whereRaw(NAME_HOLDS[isPostgres(db) ? 'pg' : 'sqlite'], [filter.name]);
  if (!filter.includeDeleted) query.whereNull('deleted_at');
  return query;
}

/**
 * Whatever the case of the letters. Both sides go through the database's own `LOWER`: which letters beyond ASCII it knows
 * depends on the database and its locale, and a name must at least be found as it is written.
 */
const NAME_HOLDS = {
  pg: 'STRPOS(LOWER(name), LOWER(?)) > 0',
  sqlite: 'INSTR(LOWER(name), LOWER(?)) > 0',
};
