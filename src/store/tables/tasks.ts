import type { Knex } from 'knex';
import type { Page, Paged } from '../../app/ports/page.ts';
import type { TaskFilter, TaskReads } from '../../app/ports/tasks.ts';
import { type Dependency, taskDependencies } from '../../domain/revocation.ts';
import { type Task, taskState } from '../../domain/task.ts';
import { gather } from '../waiting/gather.ts';
import { endedAmong } from '../ledger/ledger.ts';
import { boolean, json, mapping, plain } from '../sql/mapping.ts';
import { type Filter, filteredPageOf, type Order, pageOf } from '../sql/paging.ts';
import { among, notFirst, rowsOf } from '../sql/statements.ts';

export const tasks = mapping<Task>('tasks', {
  handle: plain('handle'),
  taskId: plain('task_id'),
  description: plain('description'),
  state: plain('state'),
  origin: plain('origin'),
  clientId: plain('client_id'),
  clientEpoch: plain('client_epoch'),
  subject: plain('subject'),
  subjectKind: plain('subject_kind'),
  subjectEpoch: plain('subject_epoch'),
  grant: plain('grant_handle'),
  rootTaskId: plain('root_task_id'),
  parentTaskId: plain('parent_task_id'),
  parentTokenId: plain('parent_token_id'),
  lineage: json('lineage'),
  depth: plain('depth'),
  maxDepth: plain('max_depth'),
  maxChildren: plain('max_children'),
  childCount: plain('child_count'),
  scope: json('scope'),
  audiences: json('audiences'),
  tools: json('tools'),
  resources: json('resources'),
  delegates: json('delegates'),
  codeChallenge: plain('code_challenge'),
  keyThumbprint: plain('key_thumbprint'),
  leaf: boolean('leaf'),
  createdAt: plain('created_at'),
  expiresAt: plain('expires_at'),
  endedAt: plain('ended_at'),
  endedReason: plain('ended_reason'),
});

const BY_AGE = { created_at: 'number', handle: 'string' } as const;
const OLDEST_FIRST: Order = { columns: BY_AGE, direction: 'asc' };
const NEWEST_FIRST: Order = { columns: BY_AGE, direction: 'desc' };
/** A parent's path is a prefix of its children's, so it sorts before them. */
const TREE_ORDER: Order = { columns: { path: 'string' }, direction: 'asc' };

/** The path of a task: the handles of its ancestors and its own, root first. */
export function pathOf(task: Pick<Task, 'handle' | 'lineage'>): string {
  return [...task.lineage.map((ancestor) => ancestor.task), task.handle].join('/');
}

/** The handle of the task that it was derived from; null at a root. */
export function parentHandleOf({ lineage }: Pick<Task, 'lineage'>): string | null {
  return lineage.at(-1)?.task ?? null;
}

/** The range of paths below `path`, without itself: `0` is the character after `/`. */
export function pathsBelow(path: string): readonly [from: string, before: string] {
  return [`${path}/`, `${path}0`];
}

export function taskReads(db: Knex): TaskReads {
  const byHandle = gather((handles: readonly string[]) => tasksBy(db, 'handle', handles));
  const byTaskId = gather((taskIds: readonly string[]) => tasksBy(db, 'task_id', taskIds));
  return {
    byHandle,
    byTaskId,
    async byHandles(handles) {
      const find = await tasksBy(db, 'handle', handles);
      return handles.map(find).filter((task) => task !== undefined);
    },
    children: (handle, page) =>
      pageOf(select(db).where('parent_handle', handle), OLDEST_FIRST, page, tasks.read),
    subtree: (handle, page) => subtree(db, handle, page),
    search: (filter, page) => search(db, filter, page),
  };
}

/** Looks up many tasks at once; answers how to find each. */
export async function tasksBy(db: Knex, column: 'handle' | 'task_id', values: readonly string[]) {
  const { sql, bindings } = among(db, column, values);
  const rows = await rowsOf(db, `SELECT ${tasks.columns.join(', ')} FROM tasks WHERE ${sql}`, bindings);
  const found = new Map(rows.map((row) => [row[column], tasks.read(row)]));
  return (value: string) => found.get(value);
}

function select(db: Knex): Knex.QueryBuilder {
  // The path is not part of a task, but cursors of its order need it.
  return db('tasks').select([...tasks.columns, 'path']);
}

async function subtree(db: Knex, handle: string, page: Page): Promise<Paged<Task>> {
  const [top] = await rowsOf<{ path: string }>(db, 'SELECT path FROM tasks WHERE handle = ?', [handle]);
  if (!top) return { items: [], next: null };
  const [from, before] = pathsBelow(top.path);
  // The outer range is what lets an index answer in tree order; a sibling may begin with the same characters.
  const query = select(db)
    .where('path', '>=', top.path)
    .where('path', '<', before)
    .where((exact) => exact.where('path', top.path).orWhere('path', '>=', from));
  return pageOf(query, TREE_ORDER, page, tasks.read);
}

/** A task whose ancestor, agent or subject was cut off is revoked, although its own row says `active`. */
function search(db: Knex, filter: TaskFilter, page: Page): Promise<Paged<Task>> {
  const query = select(db);
  const { rootTaskId } = filter;
  const afterRoot = notFirst(db, rootTaskId !== undefined);
  if (filter.clientId !== undefined) query.whereRaw(`${afterRoot}client_id = ?`, [filter.clientId]);
  if (filter.subject !== undefined) query.whereRaw(`${afterRoot}subject = ?`, [filter.subject]);
  if (rootTaskId !== undefined) {
    // The root by its own id: the index of roots holds only what is below them.
    query.where((tree) =>
      tree
        .where('task_id', rootTaskId)
        .orWhere((below) => below.where('root_task_id', rootTaskId).whereNotNull('parent_handle')),
    );
  }
  const { state, now } = filter;
  if (state === undefined) return pageOf(query, NEWEST_FIRST, page, tasks.read);
  // No index has a tree in this order: read by and by, it would be read as a whole again and again.
  const byAndBy = (filter: Filter) => (rootTaskId === undefined ? filter : void filter(query));
  const paged = (filter: Filter) => pageOf(query, NEWEST_FIRST, page, tasks.read, byAndBy(filter));
  if (state === 'completed' || state === 'failed') return paged((rows) => rows.where('state', state));
  if (state === 'expired')
    return paged((rows) => rows.where('state', 'active').where('expires_at', '<=', now));
  const undecided: Filter = (rows) =>
    rows.where((either) => {
      either.where((active) => active.where('state', 'active').where('expires_at', '>', now));
      if (state === 'revoked') either.orWhere('state', 'revoked');
    });
  const keep = async (found: readonly Task[]) => {
    const states = await effectiveStates(db, found, now);
    return states.map((effective) => effective === state);
  };
  return filteredPageOf(query, NEWEST_FIRST, page, tasks.read, keep, byAndBy(undecided));
}

async function effectiveStates(db: Knex, found: readonly Task[], now: number) {
  const dependencies: readonly Dependency[][] = found.map(taskDependencies);
  const ended = await endedAmong(db, dependencies);
  return found.map((task, i) => {
    const own = taskState(task, now);
    return own === 'active' && ended[i] ? 'revoked' : own;
  });
}
