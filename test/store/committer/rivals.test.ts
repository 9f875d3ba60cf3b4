import { expect, test } from '@jest/globals';
import { DomainError } from '../../../src/domain/errors.ts';
import { groupCommitter } from '../../../src/store/commit/committer.ts';
import { aChild, aTask, aToken, aUnit, T0 } from '../../support/fixtures.ts';
import { taken, used, full, opening, committingOnEveryDatabase } from './scene.ts';

committingOnEveryDatabase(({ open, store }) => {
  test('lets the neighbours of failing units through', async () => {
    const before = opening();
    await store().commit(before.unit);
    const good = Array.from({ length: 20 }, () => opening());
    const misses = Array.from({ length: 5 }, () => opening(aTask({ taskId: before.task.taskId })));
    const clash = Array.from({ length: 3 }, () => {
      const task = aTask();
      return opening(task, aToken(task, { digest: before.token.digest }));
    });
    const mixed = [...good, ...misses, ...clash].sort((a, b) => a.task.handle.localeCompare(b.task.handle));
    const outcomes = new Map(
      await Promise.all(
        mixed.map(async ({ task, unit }) => {
          const outcome = await store()
            .commit(unit)
            .then(
              () => 'committed',
              (error: unknown) => error,
            );
          return [task.handle, outcome] as const;
        }),
      ),
    );
    expect(good.map(({ task }) => outcomes.get(task.handle))).toEqual(good.map(() => 'committed'));
    expect(misses.map(({ task }) => outcomes.get(task.handle))).toEqual(misses.map(() => taken));
    for (const { task } of clash) {
      expect(outcomes.get(task.handle)).toMatchObject({ message: expect.stringMatching(/unique/i) });
      expect(outcomes.get(task.handle)).not.toBeInstanceOf(DomainError);
    }
    expect(await store().tasks.byHandles(good.map(({ task }) => task.handle))).toHaveLength(20);
    expect(await store().tasks.byHandles([...misses, ...clash].map(({ task }) => task.handle))).toEqual([]);
  });

  test('gives a task_id that many open at once to one of them', async () => {
    const taskId = aTask().taskId;
    const units = Array.from({ length: 30 }, () => opening(aTask({ taskId })).unit);
    const outcomes = await Promise.allSettled(units.map((unit) => store().commit(unit)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBe(taken);
  });

  test('lets one of two units consume a token', async () => {
    const { token, unit } = opening();
    await store().commit(unit);
    const attempts = [1, 2, 3].map((n) =>
      aUnit([{ do: 'consume_token', tokenId: token.tokenId, at: T0 + n, redeemedAs: `t${n}`, miss: used }]),
    );
    const outcomes = await Promise.allSettled(attempts.map((attempt) => store().commit(attempt)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await store().tokens.byId(token.tokenId)).toMatchObject({ consumedAt: T0 + 1, redeemedAs: 't1' });
  });

  test('never has more children than the maximum, however many are derived in parallel', async () => {
    const parent = aTask({ maxChildren: 7 });
    await store().commit(aUnit([{ do: 'insert_task', task: parent, miss: taken }]));
    // Two committers: the maximum holds between nodes, not only within one queue.
    const nodes = [store(), groupCommitter(open().knex)];
    const children = Array.from({ length: 50 }, () => aChild(parent, 'via'));
    const outcomes = await Promise.allSettled(
      children.map((task, i) =>
        nodes[i % 2]!.commit(
          aUnit([
            { do: 'count_child', handle: parent.handle, miss: full },
            { do: 'insert_task', task, miss: taken },
          ]),
        ),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
    expect((await store().tasks.byHandle(parent.handle))?.childCount).toBe(7);
    expect((await store().tasks.children(parent.handle, { limit: 50 })).items).toHaveLength(7);
  });

  test('counts children that are derived at once in one commit', async () => {
    const [wide, narrow] = [aTask({ maxChildren: 100 }), aTask({ maxChildren: 1 })];
    await store().commit(aUnit([wide, narrow].map((task) => ({ do: 'insert_task', task, miss: taken }))));
    let commits = 0;
    const committer = groupCommitter(open().knex, async (work) => {
      commits += 1;
      return open().knex.transaction(work);
    });
    const child = (handle: string) => committer.commit(aUnit([{ do: 'count_child', handle, miss: full }]));
    await Promise.all(Array.from({ length: 40 }, () => child(wide.handle)));
    expect(commits).toBe(1);
    const outcomes = await Promise.allSettled([
      child(wide.handle),
      child(narrow.handle),
      child(narrow.handle),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    const found = await store().tasks.byHandles([wide.handle, narrow.handle]);
    expect(found.map(({ childCount }) => childCount)).toEqual([41, 1]);
  });
});
