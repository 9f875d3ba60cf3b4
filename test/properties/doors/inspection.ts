import { expect } from '@jest/globals';
import type { AppContext } from '../../../src/app/context.ts';
import type { Page, Paged } from '../../../src/app/ports/page.ts';
import { effectiveTaskStates } from '../../../src/app/tasks/task-liveness.ts';
import type { Authority, Task } from '../../../src/domain/task.ts';
import type { TaskToken } from '../../../src/domain/task-token.ts';
import { expectSame } from '../compare.ts';
import { within } from '../model/nouns.ts';

/**
 * INVARIANT: no child is wider, longer, deeper or more alive than its ancestors, and no handle stands for two things.
 * Looks at rows only: it knows nothing of how they came to be.
 */
export async function inspectStore(context: AppContext): Promise<void> {
  const { store, clock } = context;
  const now = clock.now();
  const tasks = await all((page) => store.tasks.search({ now }, page));
  const tokens = await all((page) => store.tokens.search({ now }, page));
  const states = await effectiveTaskStates(context, tasks);
  const stateOf = new Map(tasks.map((task, i) => [task.handle, states[i]]));
  const taskOf = new Map(tasks.map((task) => [task.handle, task]));
  const tokenOf = new Map(tokens.map((token) => [token.tokenId, token]));
  for (const task of tasks) {
    for (const [i, { task: handle, via }] of task.lineage.entries()) {
      const ancestor = taskOf.get(handle);
      const token = tokenOf.get(via);
      if (!ancestor || !token) throw new Error('an ancestor is missing');
      expectBelow(task, ancestor, token);
      expectSame(ancestor.depth, i);
      if (stateOf.get(task.handle) === 'active') expectSame(stateOf.get(handle), 'active');
    }
    expect(task.childCount).toBe(tasks.filter(({ lineage }) => lineage.at(-1)?.task === task.handle).length);
    expect(task.childCount).toBeLessThanOrEqual(task.maxChildren);
  }
  for (const token of tokens) {
    const task = taskOf.get(token.taskHandle);
    if (!task) throw new Error('the task of a token is missing');
    expectWithin(task, token, token.tokenId);
    expect(token.expiresAt).toBeLessThanOrEqual(task.expiresAt);
  }
  expectUnique(tasks, tokens);
}

function expectBelow(task: Task, ancestor: Task, via: TaskToken): void {
  expectSame(via.taskHandle, ancestor.handle);
  expectWithin(via, task, task.taskId);
  const levels = task.depth - ancestor.depth;
  const excess = {
    longer: task.expiresAt > ancestor.expiresAt,
    elsewhere: task.rootTaskId !== ancestor.rootTaskId || task.subject !== ancestor.subject,
    above: levels <= 0,
    deeper: task.maxDepth > ancestor.maxDepth - levels,
    wider: task.maxChildren > ancestor.maxChildren,
    delegates: task.delegates.filter((one) => !ancestor.delegates.includes(one)),
  };
  const none = { longer: false, elsewhere: false, above: false, deeper: false, wider: false, delegates: [] };
  expectSame({ task: task.taskId, ...excess }, { task: task.taskId, ...none });
}

function expectWithin(held: Authority, child: Authority, name: string): void {
  const excess = {
    scope: child.scope.filter((one) => !within(held.scope, [one])),
    tools: child.tools.filter((one) => !within(held.tools, [one])),
    resources: child.resources.filter((one) => !within(held.resources, [one])),
    audiences: child.audiences.filter((one) => !held.audiences.includes(one)),
  };
  expectSame({ name, ...excess }, { name, scope: [], tools: [], resources: [], audiences: [] });
}

function expectUnique(tasks: readonly Task[], tokens: readonly TaskToken[]): void {
  // The grant of a task that was derived with a hand-off token is that token.
  const vouchers = new Set(tokens.filter(({ kind }) => kind === 'handoff').map(({ tokenId }) => tokenId));
  const handles = [
    ...tasks.flatMap(({ handle, taskId }) => [handle, taskId]),
    ...tasks.map(({ grant }) => grant).filter((grant) => !vouchers.has(grant)),
    ...tokens.flatMap(({ tokenId, digest }) => (digest === null ? [tokenId] : [tokenId, digest])),
  ];
  expect(new Set(handles).size).toBe(handles.length);
}

async function all<T>(read: (page: Page) => Promise<Paged<T>>): Promise<T[]> {
  const found: T[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await read({ limit: 500, after });
    found.push(...items);
    after = next ?? undefined;
  } while (after !== undefined);
  return found;
}
