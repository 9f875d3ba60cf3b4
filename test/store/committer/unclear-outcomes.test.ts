import { describe, expect, test } from '@jest/globals';
import { groupCommitter, type Transact } from '../../../src/store/commit/committer.ts';
import { opening, committingOnEveryDatabase } from './scene.ts';

committingOnEveryDatabase(({ open, store }) => {
  describe('a commit with an unclear outcome', () => {
    /** Commits, then reports a lost connection, as many times as said. */
    const forgetful = (times: number): Transact => {
      let left = times;
      return async (work) => {
        const result = await open().knex.transaction(work);
        left -= 1;
        if (left >= 0) throw new Error('Connection terminated unexpectedly');
        return result;
      };
    };

    test('is a success when the unit was stored', async () => {
      const committer = groupCommitter(open().knex, forgetful(1));
      const { unit, task } = opening();
      await expect(committer.commit(unit)).resolves.toBeUndefined();
      expect(await store().tasks.byHandle(task.handle)).toEqual(task);
    });

    test('is a success for every unit of a batch', async () => {
      const committer = groupCommitter(open().knex, forgetful(1));
      const openings = Array.from({ length: 10 }, () => opening());
      await Promise.all(openings.map(({ unit }) => committer.commit(unit)));
      expect(await store().tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(10);
    });

    test('is tried again when nothing was stored', async () => {
      let failures = 1;
      const committer = groupCommitter(open().knex, async (work) => {
        failures -= 1;
        if (failures >= 0) throw new Error('deadlock detected');
        return open().knex.transaction(work);
      });
      const openings = [opening(), opening()];
      await Promise.all(openings.map(({ unit }) => committer.commit(unit)));
      expect(await store().tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(2);
    });

    test('is told to the caller when the database stays away', async () => {
      const committer = groupCommitter(open().knex, async () => {
        throw new Error('Connection refused');
      });
      await expect(committer.commit(opening().unit)).rejects.toThrow('Connection refused');
    });
  });
});
