import type { Knex } from 'knex';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import type { Answer } from '../../support/requests.ts';
import { ADMIN, introspect } from '../../support/token-requests.ts';
import { OPERATIONS, type OperationName } from './operations.ts';
import type { Nodes } from '../nodes.ts';
import { type Scene, sceneOn } from './scene.ts';

type Place = 'first' | 'second';
export type Pair = Readonly<Record<Place, OperationName>>;
/** Who is asked when: both at the same moment, one between what the other reads and what it writes, or one after the other. */
export type Order = 'together' | { readonly within: Place } | readonly Place[];

/** What came of requests: how each was answered, and what is there afterwards. */
export interface Outcome {
  readonly statuses: Readonly<Partial<Record<Place, number>>>;
  readonly left: readonly string[];
}

/** By which column rows are a scene's, and which columns tell what became of it. */
const LEFT: Readonly<Record<string, readonly [key: string, ...told: string[]]>> = {
  agents: ['client_id', 'state', 'epoch', 'tier', 'name', 'permissions', 'tools', 'audiences', 'metadata'],
  client_secrets: ['client_id', 'expires_at'],
  api_keys: ['client_id', 'expires_at', 'revoked_at', 'replaced_by'],
  users: ['user_id', 'state', 'epoch', 'name', 'permissions'],
  roles: ['name', 'permissions'],
  role_assignments: ['role', 'holder_kind', 'holder_id'],
  catalogue_permissions: ['permission'],
  resource_servers: ['client_id', 'name', 'scopes'],
  audiences: ['client_id', 'audience'],
  webhooks: ['agent_id', 'enabled', 'url', 'description', 'previous_ends_at'],
  tasks: ['client_id', 'state', 'depth', 'child_count', 'scope'],
  tokens: ['client_id', 'kind', 'consumed_at', 'revoked_at', 'scope'],
};
/** Of which only counts whether there is something: moments, and ids that are new each time. */
const DIFFERENT_EACH_TIME = /_at$|^replaced_by$/;

/** Makes a scene of its own, asks, and tells what came of it in words that do not depend on which scene it is. */
export async function outcomeOf(nodes: Nodes, db: Knex, pair: Pair, order: Order): Promise<Outcome> {
  const scene = sceneOn(nodes.front);
  const asked = { first: await OPERATIONS[pair.first](scene), second: await OPERATIONS[pair.second](scene) };
  const since = await lastUnit(db);
  const answers: Partial<Record<Place, Answer>> = {};
  const ask = async (place: Place) => {
    answers[place] = await asked[place]();
  };
  if (order === 'together') await Promise.all([ask('first'), ask('second')]);
  else if ('within' in order) {
    const other = order.within === 'first' ? 'second' : 'first';
    const restore = beforeNextWrite(nodes, () => ask(other));
    await ask(order.within);
    restore();
    // One that writes nothing has nothing between.
    if (!answers[other]) await ask(other);
  } else for (const place of order) await ask(place);
  const left = [
    ...(await rowsOf(db, scene)),
    ...(await eventsSince(db, scene, since)),
    ...(await liveOf(scene, answers)),
  ];
  const statuses = Object.fromEntries(Object.entries(answers).map(([place, { status }]) => [place, status]));
  return { statuses, left: left.map((line) => scene.inItsWords(line)).toSorted() };
}

const ENGINE_WRITES = ['upsert', 'insert', 'update', 'destroy', 'destroyByGrant'] as const;

/** Has something happen before the next write that changes anything, of ours or of the engine, at whichever server. */
function beforeNextWrite({ each }: Nodes, happen: () => Promise<void>): () => void {
  const undo: (() => void)[] = [];
  const restore = () => {
    for (const one of undo.splice(0)) one();
  };
  function hook<T extends object>(
    owner: T,
    names: readonly (keyof T)[],
    counts: (written: unknown) => boolean,
  ) {
    for (const name of names) {
      const write = owner[name] as (...given: unknown[]) => unknown;
      undo.push(() => Object.assign(owner, { [name]: write }));
      const held = async (...given: unknown[]) => {
        if (counts(given[0])) {
          restore();
          await happen();
        }
        return write.apply(owner, given);
      };
      Object.assign(owner, { [name]: held });
    }
  }
  for (const { taskgrant } of each) {
    hook(taskgrant.store, ['commit'], (unit) => (unit as UnitOfWork).changes.length > 0);
    hook(taskgrant.store.artifacts, ENGINE_WRITES, () => true);
  }
  return restore;
}

async function rowsOf(db: Knex, scene: Scene): Promise<string[]> {
  const lines: string[] = [];
  for (const [table, columns] of Object.entries(LEFT)) {
    const rows = await db(table)
      .whereIn(columns[0], scene.ids())
      .select([...columns]);
    for (const row of rows as Record<string, unknown>[]) {
      const told = columns.map((column) =>
        DIFFERENT_EACH_TIME.test(column) ? row[column] !== null : row[column],
      );
      lines.push(`${table} ${JSON.stringify(told)}`);
    }
  }
  return lines;
}

async function lastUnit(db: Knex): Promise<string> {
  const [row] = await db('audit_events').max({ last: 'unit_id' });
  return String(row?.['last']);
}

/** Ids of units sort as they were made. */
async function eventsSince(db: Knex, scene: Scene, since: string): Promise<string[]> {
  const events = await db('audit_events').where('unit_id', '>', since).where('outcome', 'success');
  return events
    .filter(({ client_id, user_id }) => scene.ids().includes(client_id) || scene.ids().includes(user_id))
    .map(({ type, client_id, user_id }) => `event ${type} ${client_id} ${user_id}`);
}

/** Which tokens are live, of the scene and of the answers, and for what. */
async function liveOf(scene: Scene, answers: Partial<Record<Place, Answer>>): Promise<string[]> {
  const tokens = Object.entries(answers).map(([place, { body }]) => [
    place,
    body?.access_token ?? body?.token?.access_token,
  ]);
  if (scene.has('task')) tokens.push(['task', (await scene.task()).token]);
  const lines: string[] = [];
  for (const [whose, token] of tokens) {
    if (token === undefined) continue;
    const { active, scope } = await introspect(scene.server, ADMIN, token);
    lines.push(`token of ${whose}: ${active} ${scope}`);
  }
  return lines;
}
