import type { Command } from 'commander';
import type { AppContext } from '../app/context.ts';
import { endTask } from '../app/tasks/end-task.ts';
import { searchTokens } from '../app/tokens/search-tokens.ts';
import { type ChainLink, viewLineage } from '../app/tasks/view-lineage.ts';
import { viewedAll } from '../app/tasks/view-task.ts';
import { DomainError } from '../domain/errors.ts';
import { formatScope } from '../domain/scope.ts';
import type { Task } from '../domain/task.ts';
import { drawTree } from './draw-tree.ts';
import { type DataOptions, withId, withJson, withReason } from './options.ts';
import { json, line, note, plain, record, table } from './print.ts';
import { auditRow, taskRow, tokenRow } from './rows.ts';
import { inSession, type Session } from './session.ts';

const TOKENS_SHOWN = 100;
/** Tasks of a tree that are read and drawn at most. */
const TREE_MOST = 1000;
const TREE_PAGE = 200;

export function addTaskCommands(program: Command): void {
  const task = program.command('task').description('Tasks: the units of work that tokens belong to.');
  withJson(withId(task.command('show'), 'task_id'))
    .description('Show a task and its tokens.')
    .action(inSession(show));
  withJson(withId(task.command('tree'), 'task_id'))
    .description('Draw on whose authority a task acts and what was derived from it.')
    .action(inSession(tree));
  withReason(withJson(withId(task.command('revoke'), 'task_id')))
    .description('Revoke a task and everything derived from it.')
    .action(inSession(revoke));
}

async function show({ context }: Session, taskId: string, { json: asJson }: DataOptions): Promise<void> {
  const [view] = await viewedAll(context, [await findTask(context, taskId)]);
  const row = view ? taskRow(view) : {};
  const tokens = (await searchTokens(context, { taskId }, { limit: TOKENS_SHOWN })).items.map(tokenRow);
  if (asJson) {
    json({ ...row, tokens });
    return;
  }
  record(row);
  line();
  table(tokens, ['token_id', 'kind', 'is_valid', 'is_revoked', 'revoked_through', 'expires_at', 'scope']);
}

async function tree({ context }: Session, taskId: string, { json: asJson }: DataOptions): Promise<void> {
  const { rootTaskId, links, complete } = await wholeChain(context, taskId);
  if (asJson) json({ root_task_id: rootTaskId, complete, tasks: links.map(linkRow) });
  else {
    const oldestFirst = links.toSorted((a, b) => a.task.createdAt - b.task.createdAt);
    const nodes = oldestFirst.map((link) => ({
      id: link.task.taskId,
      parent: link.task.parentTaskId,
      lines: describe(link),
    }));
    for (const text of drawTree(nodes)) line(text);
  }
  if (!complete) note(`Only the first ${links.length} tasks are shown.`);
}

async function wholeChain(context: AppContext, taskId: string) {
  const first = await viewLineage(context, taskId, { limit: TREE_PAGE });
  const links = [...first.links];
  let { next } = first;
  while (next !== null && links.length < TREE_MOST) {
    const page = await viewLineage(context, taskId, { limit: TREE_PAGE, after: next });
    links.push(...page.links);
    next = page.next;
  }
  return { rootTaskId: first.rootTaskId, links, complete: next === null };
}

function linkRow(link: ChainLink) {
  const { scopeBefore } = link;
  return {
    ...taskRow(link),
    scope_before: scopeBefore === null ? null : formatScope(scopeBefore),
    refused_widenings: link.refused.map(auditRow),
  };
}

function describe({ task, state, scopeBefore, refused }: ChainLink): string[] {
  const dropped = (scopeBefore ?? []).filter((right) => !task.scope.includes(right));
  return [
    `${task.taskId}  ${state}  ${task.clientId}`,
    ...(task.description === '' ? [] : [`“${plain(task.description)}”`]),
    `may ${formatScope(task.scope) || 'nothing'}${dropped.length === 0 ? '' : `, without ${formatScope(dropped)}`}`,
    ...refused.map(({ reason, clientId }) => plain(`refused ${clientId ?? 'somebody'}: ${reason ?? ''}`)),
  ];
}

async function revoke(
  { context, caller }: Session,
  taskId: string,
  { reason, json: asJson }: DataOptions & { reason?: string },
): Promise<void> {
  const task = await findTask(context, taskId);
  const ended = await endTask(context, { caller, task, as: 'revoked', reason: reason ?? null });
  if (asJson) json(ended);
  else {
    const more = ended.affected_truncated ? ' or more' : '';
    line(`${taskId} is revoked, with ${ended.affected_child_tokens}${more} tokens below it`);
  }
}

async function findTask({ store }: AppContext, taskId: string): Promise<Task> {
  const task = await store.tasks.byTaskId(taskId);
  if (!task) throw new DomainError('not_found', 'there is no such task');
  return task;
}
