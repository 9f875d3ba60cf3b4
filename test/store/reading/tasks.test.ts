import { describe, expect, test } from '@jest/globals';
import type { TaskFilter } from '../../../src/app/ports/tasks.ts';
import type { Task } from '../../../src/domain/task.ts';
import { aChild, anId, aTask, T0 } from '../../support/fixtures.ts';
import { all, entryFor, readingOnEveryDatabase } from './reading.ts';

readingOnEveryDatabase(({ store, commit, save, aTree }) => {
  describe('tasks', () => {
    test('are found by handle and by id', async () => {
      const { tasks } = await aTree();
      expect(await store().tasks.byHandle(tasks.leaf.handle)).toEqual(tasks.leaf);
      expect(await store().tasks.byTaskId(tasks.leaf.taskId)).toEqual(tasks.leaf);
      expect(await store().tasks.byHandle(tasks.leaf.taskId)).toBeUndefined();
      const asked = [tasks.leaf.handle, 'unknown', tasks.root.handle];
      expect(await store().tasks.byHandles(asked)).toEqual([tasks.leaf, tasks.root]);
      expect(await store().tasks.byHandles([])).toEqual([]);
    });

    test('answer each of many calls at once with its own', async () => {
      const tasks = Array.from({ length: 30 }, () => aTask());
      await save(tasks);
      const found = await Promise.all(
        [...tasks, ...tasks].map(({ handle, taskId }, i) =>
          i % 3 === 0 ? store().tasks.byTaskId(taskId) : store().tasks.byHandle(handle),
        ),
      );
      expect(found).toEqual([...tasks, ...tasks]);
    });

    test('list direct children, oldest first', async () => {
      const { tasks } = await aTree();
      expect(await all((page) => store().tasks.children(tasks.root.handle, page), 1)).toEqual([
        tasks.left,
        tasks.right,
      ]);
    });

    test('list a subtree with parents before their children', async () => {
      const { tasks } = await aTree();
      await aTree();
      const tree = await all((page) => store().tasks.subtree(tasks.root.handle, page), 1);
      expect(tree).toHaveLength(4);
      expect(new Set(tree.map(({ handle }) => handle))).toEqual(
        new Set(Object.values(tasks).map((t) => t.handle)),
      );
      const at = (task: Task) => tree.findIndex(({ handle }) => handle === task.handle);
      expect(at(tasks.root)).toBe(0);
      expect(at(tasks.left)).toBeLessThan(at(tasks.leaf));
      expect(await all((page) => store().tasks.subtree(tasks.left.handle, page), 1)).toEqual([
        tasks.left,
        tasks.leaf,
      ]);
      expect((await store().tasks.subtree('unknown', { limit: 5 })).items).toEqual([]);
    });

    test('keep a handle apart from one that begins with it', async () => {
      const id = anId();
      const [short, long] = [aTask({ handle: id }), aTask({ handle: `${id}-` })];
      await save([short, long, aChild(long, 'via')]);
      expect((await store().tasks.subtree(id, { limit: 5 })).items).toEqual([short]);
    });

    test('are searched by client, subject, root and state, newest first', async () => {
      const clientId = `agent-${anId()}`;
      const { tasks } = await aTree(clientId);
      const done = aTask({ clientId, state: 'completed', createdAt: T0 + 4 });
      const past = aTask({ clientId, expiresAt: T0 + 5, createdAt: T0 + 5, subject: 'somebody' });
      await save([done, past]);
      const handles = async (filter: Omit<TaskFilter, 'now'>) =>
        (await all((page) => store().tasks.search({ ...filter, now: T0 + 10 }, page), 2)).map(
          ({ handle }) => handle,
        );
      const { root, left, right, leaf } = tasks;
      const six = [past, done, leaf, right, left, root];
      expect(await handles({ clientId })).toEqual(six.map(({ handle }) => handle));
      expect(await handles({ subject: 'somebody' })).toEqual([past.handle]);
      expect(await handles({ rootTaskId: root.taskId })).toEqual(six.slice(2).map(({ handle }) => handle));
      expect(await handles({ clientId, state: 'completed' })).toEqual([done.handle]);
      expect(await handles({ clientId, state: 'expired' })).toEqual([past.handle]);
      expect(await handles({ clientId, state: 'active' })).toEqual(six.slice(2).map(({ handle }) => handle));
      await commit({ do: 'revoke', entry: entryFor({ kind: 'task', handle: left.handle, epoch: 0 }) });
      expect(await handles({ clientId, state: 'active' })).toEqual([right.handle, root.handle]);
      expect(await handles({ clientId, state: 'revoked' })).toEqual([leaf.handle, left.handle]);
    });
  });
});
