import type { Knex } from 'knex';
import type { RunningServer } from '../../support/server.ts';
import { ADMIN, introspect } from '../../support/token-requests.ts';
import { browsersOf } from './browser-operations.ts';
import type { Asked } from './operations.ts';
import type { Scene } from './scene.ts';
import { toldOf, withoutWhatDiffers } from './words.ts';

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

/** What came of requests that were made in a scene, in words that do not depend on which scene it is. */
export async function traceOf(
  nodes: readonly RunningServer[],
  db: Knex,
  scene: Scene,
  { since, answers }: { readonly since: Last; readonly answers: Readonly<Record<number, Asked>> },
): Promise<Outcome> {
  const left = [
    ...(await browsersOf(scene)),
    ...(await rowsOf(db, scene)),
    ...(await eventsSince(db, scene, since)),
    ...(await revocationsSince(db, scene, since)),
    ...(await liveOf(nodes, scene, answers)),
  ];
  const inWords = (text: string) => withoutWhatDiffers(scene.inItsWords(text));
  return {
    answers: Object.fromEntries(Object.entries(answers).map(([place, one]) => [place, inWords(toldOf(one))])),
    left: left.map(inWords).toSorted(),
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

export interface Last {
  readonly unit: string;
  readonly revocation: number;
}

/** After which everything is new. */
export async function lastOnes(db: Knex): Promise<Last> {
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

/** Others of other scenes, which may be played at the same time. */
async function revocationsSince(db: Knex, scene: Scene, { revocation }: Last): Promise<string[]> {
  const ours = (table: string, handle: string) =>
    db(table).whereIn('client_id', scene.ids()).whereNotNull(handle).select(handle);
  const rows = await db('revocations')
    .where('seq', '>', revocation)
    .where((one) =>
      one
        .whereIn('handle', scene.ids())
        .orWhereIn('handle', ours('tasks', 'handle'))
        .orWhereIn('handle', ours('tokens', 'token_id'))
        .orWhereIn('handle', ours('tokens', 'grant_handle')),
    );
  return rows.map(({ kind, handle, epoch }) => `revoked ${kind} ${handle} ${epoch}`);
}

/** Which tokens are live, of the scene and of the answers, and for what: at every server. */
async function liveOf(
  nodes: readonly RunningServer[],
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
    for (const node of nodes) {
      const { active, scope } = await introspect(node, ADMIN, token);
      lines.push(`token of ${whose}: ${active} ${scope}`);
    }
  }
  return lines;
}
