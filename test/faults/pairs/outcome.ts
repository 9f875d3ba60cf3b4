import type { Knex } from 'knex';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import { UnavailableError } from '../../../src/domain/unavailable.ts';
import { ADMIN, introspect } from '../../support/token-requests.ts';
import type { Nodes } from '../nodes.ts';
import { browsersOf } from './browser-operations.ts';
import { type Asked, OPERATIONS, type OperationName } from './operations.ts';
import { type Scene, sceneOn } from './scene.ts';
import type { Order } from './orders.ts';
import { toldOf, withoutWhatDiffers } from './words.ts';

/** Requests that are there to be asked, by their places. */
export type Play = readonly OperationName[];

/** What came of requests: how each was answered, and what is there afterwards. */
export interface Outcome {
  readonly answers: Readonly<Record<number, string>>;
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
  webhook_deliveries: ['webhook_id', 'event'],
  registration_tokens: ['client_id', 'consumed_at'],
  tasks: ['client_id', 'state', 'depth', 'child_count', 'scope'],
  tokens: ['client_id', 'kind', 'consumed_at', 'revoked_at', 'scope'],
};
/** Of which only counts whether there is something: moments, and ids that are new each time. */
const DIFFERENT_EACH_TIME = /_at$|^replaced_by$/;

/** Makes a scene of its own, asks, and tells what came of it in words that do not depend on which scene it is. */
export async function outcomeOf(nodes: Nodes, db: Knex, play: Play, order: Order): Promise<Outcome> {
  const scene = sceneOn(nodes.front);
  const prepared: (() => Promise<Asked>)[] = [];
  for (const name of play) prepared.push(await OPERATIONS[name](scene));
  const since = await lastOnes(db);
  const answers: Record<number, Asked> = {};
  const ask = async (place: number) => {
    const answer = await prepared[place]?.();
    if (answer) answers[place] = answer;
  };
  await askInOrder(nodes, order, ask);
  // What a browser is told first is of no account: it goes on by itself.
  for (const [place, { goOn }] of Object.entries(answers)) if (goOn) answers[Number(place)] = await goOn();
  return toldOfScene(nodes, db, scene, { since, answers });
}

async function toldOfScene(
  nodes: Nodes,
  db: Knex,
  scene: Scene,
  { since, answers }: { readonly since: Last; readonly answers: Readonly<Record<number, Asked>> },
): Promise<Outcome> {
  const left = [
    ...(await browsersOf(scene)),
    ...(await rowsOf(db, scene)),
    ...(await eventsSince(db, scene, since)),
    ...(await revocationsSince(db, since)),
    ...(await liveOf(nodes, scene, answers)),
  ];
  const inWords = (text: string) => withoutWhatDiffers(scene.inItsWords(text));
  return {
    answers: Object.fromEntries(Object.entries(answers).map(([place, one]) => [place, inWords(toldOf(one))])),
    left: left.map(inWords).toSorted(),
  };
}

/** What is left by a request whose server dies when it has written so often, and how often it did. */
export async function outcomeOfDying(nodes: Nodes, db: Knex, name: OperationName, after: number) {
  const scene = sceneOn(nodes.front);
  const ask = await OPERATIONS[name](scene);
  const since = await lastOnes(db);
  const dead = Promise.withResolvers<undefined>();
  const late: ((dead: Error) => void)[] = [];
  let writes = 0;
  const restore = beforeWrites(nodes, async () => {
    if (writes === after) {
      dead.resolve(undefined);
      // A process that has died tells nobody.
      await new Promise((_, reject) => late.push(reject));
    }
    writes += 1;
  });
  const answer = await Promise.race([dead.promise, ask()]);
  restore();
  const { left } = await toldOfScene(nodes, db, scene, { since, answers: {} });
  for (const end of late) end(new UnavailableError('database_unavailable', 'the server died'));
  return { status: answer?.status, writes, left };
}

type Ask = (places: readonly number[]) => Promise<void>;

async function askInOrder(nodes: Nodes, { how, places }: Order, one: (place: number) => Promise<void>) {
  const inTurn: Ask = async (some) => {
    for (const place of some) await one(place);
  };
  const together: Ask = async (some) => void (await Promise.all(some.map(one)));
  const nested: Ask = (some) => within(some, nested);
  async function within([first, ...others]: readonly number[], inner: Ask): Promise<void> {
    if (first === undefined) return;
    if (others.length === 0) return one(first);
    let happening: Promise<void> | undefined;
    const happen = () => (happening ??= inner(others));
    const restore = beforeNextWrite(nodes, happen);
    await one(first);
    restore();
    // Of its own where nothing was written, and not over yet where somebody else wrote.
    await happen();
  }
  const ask: Readonly<Record<Order['how'], Ask>> = {
    'in turn': inTurn,
    together,
    within: (some) => within(some, together),
    nested,
  };
  await ask[how](places);
}

const ENGINE_WRITES = ['upsert', 'insert', 'update', 'destroy', 'destroyByGrant'] as const;

/** Has something happen before the next write that changes anything, of ours or of the engine, at whichever server. */
function beforeNextWrite(nodes: Nodes, happen: () => Promise<void>): () => void {
  const restore = beforeWrites(nodes, async (written) => {
    if ((written as Partial<UnitOfWork> | undefined)?.changes?.length === 0) return;
    restore();
    await happen();
  });
  return restore;
}

/** The same before every write, even one that tells of something and changes nothing. */
function beforeWrites({ each }: Nodes, happen: (written: unknown) => Promise<void>): () => void {
  const undo: (() => void)[] = [];
  function hook<T extends object>(owner: T, names: readonly (keyof T)[]) {
    for (const name of names) {
      const write = owner[name] as (...given: unknown[]) => unknown;
      undo.push(() => Object.assign(owner, { [name]: write }));
      const held = async (...given: unknown[]) => {
        await happen(given[0]);
        return write.apply(owner, given);
      };
      Object.assign(owner, { [name]: held });
    }
  }
  for (const { taskgrant } of each) {
    hook(taskgrant.store, ['commit']);
    hook(taskgrant.store.artifacts, ENGINE_WRITES);
  }
  return () => {
    for (const one of undo.splice(0)) one();
  };
}

/** What nobody sees any more, and what is removed soon: when, depends on who else asks. */
const hasPassed = (moment: unknown) => moment !== null && Number(moment) <= Date.now();

async function rowsOf(db: Knex, scene: Scene): Promise<string[]> {
  const lines: string[] = [];
  for (const [table, columns] of Object.entries(LEFT)) {
    const query = db(table).whereIn(columns[0], scene.ids());
    // Those of a webhook that has just been deleted are not sent, and go when their time has come.
    if (table === 'webhook_deliveries') void query.whereIn('webhook_id', db('webhooks').select('id'));
    const rows = await query.select([...columns]);
    for (const row of rows as Record<string, unknown>[]) {
      if (table === 'client_secrets' && hasPassed(row['expires_at'])) continue;
      const told = columns.map((column) =>
        DIFFERENT_EACH_TIME.test(column) ? row[column] !== null : row[column],
      );
      lines.push(`${table} ${JSON.stringify(told)}`);
    }
  }
  return lines;
}

interface Last {
  readonly unit: string;
  readonly revocation: number;
}

async function lastOnes(db: Knex): Promise<Last> {
  const [event] = await db('audit_events').max({ last: 'unit_id' });
  const [revocation] = await db('revocations').max({ last: 'seq' });
  return { unit: String(event?.['last']), revocation: Number(revocation?.['last'] ?? 0) };
}

/** Of no account: codes of an approval that opens one task, a password for a page that has ended, what is recorded later. */
const NOT_TOLD = ['authorization_code_issued', 'user_signed_in', 'token_introspection'];

/** Ids of units sort as they were made. */
async function eventsSince(db: Knex, scene: Scene, { unit }: Last): Promise<string[]> {
  const events = await db('audit_events')
    .where('unit_id', '>', unit)
    .where('outcome', 'success')
    .whereNotIn('type', NOT_TOLD);
  return events
    .filter(({ client_id, user_id }) => scene.ids().includes(client_id) || scene.ids().includes(user_id))
    .map(({ type, client_id, user_id }) => `event ${type} ${client_id} ${user_id}`);
}

async function revocationsSince(db: Knex, { revocation }: Last): Promise<string[]> {
  const rows = await db('revocations').where('seq', '>', revocation);
  return rows.map(({ kind, handle, epoch }) => `revoked ${kind} ${handle} ${epoch}`);
}

/** Which tokens are live, of the scene and of the answers, and for what: at every server. */
async function liveOf(
  nodes: Nodes,
  scene: Scene,
  answers: Readonly<Record<number, Asked>>,
): Promise<string[]> {
  const tokens = Object.entries(answers).map(([place, { body }]) => [
    place,
    body?.access_token ?? body?.token?.access_token,
  ]);
  if (scene.has('task')) tokens.push(['task', (await scene.task()).token]);
  const lines: string[] = [];
  for (const [whose, token] of tokens) {
    if (typeof token !== 'string') continue;
    for (const node of nodes.each) {
      const { active, scope } = await introspect(node, ADMIN, token);
      lines.push(`token of ${whose}: ${active} ${scope}`);
    }
  }
  return lines;
}
