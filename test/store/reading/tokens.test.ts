import { describe, expect, test } from '@jest/globals';
import type { Dependency } from '../../../src/domain/revocation.ts';
import type { TaskToken } from '../../../src/domain/task-token.ts';
import { anId, aTask, aToken, aUnit, T0 } from '../../support/fixtures.ts';
import { all, entryFor, idsOf, miss, type Tree, readingOnEveryDatabase } from './reading.ts';

const HOUR = 3_600_000;

readingOnEveryDatabase(({ store, commit, save, aTree }) => {
  describe('tokens', () => {
    test('are found together with their tasks, each of many calls with its own', async () => {
      const tasks = [aTask({ leaf: true, endedReason: 'done' }), aTask()];
      const tokens = tasks.map((task) => aToken(task, { jwtDigest: anId(), digest: null, format: 'jwt' }));
      for (const [i, task] of tasks.entries()) {
        await store().commit(
          aUnit([
            { do: 'insert_task', task, miss },
            { do: 'insert_token', token: tokens[i] as TaskToken },
          ]),
        );
      }
      const asked = [...tokens.map(({ tokenId }) => tokenId), anId()];
      const standings = await Promise.all(asked.map((id) => store().tokens.standing(id)));
      expect(standings.map(({ found }) => found && { token: found.token, task: found.task })).toEqual([
        { token: tokens[0], task: tasks[0] },
        { token: tokens[1], task: tasks[1] },
        undefined,
      ]);
    });

    test('are found by id, by digest and by task', async () => {
      const { tasks, tokens } = await aTree();
      const later = aToken(tasks.root, { issuedAt: T0 + 1, digest: null });
      await save([], [later]);
      expect(await store().tokens.byId(tokens.leaf.tokenId)).toEqual(tokens.leaf);
      expect(await store().tokens.byDigest(tokens.leaf.digest ?? '')).toEqual(tokens.leaf);
      expect(await store().tokens.byDigest(tokens.leaf.tokenId)).toBeUndefined();
      expect(await store().tokens.ofTask(tasks.root.handle)).toEqual([tokens.root, later]);
    });

    test('are searched by client, task, parent and subject', async () => {
      const { clientId, tasks, tokens } = await aTree();
      const ids = async (filter: object) =>
        idsOf(await store().tokens.search({ ...filter, now: T0 }, { limit: 9 }));
      expect(await ids({ clientId })).toEqual(idsOf({ items: Object.values(tokens) }));
      expect(await ids({ subject: clientId })).toEqual(idsOf({ items: Object.values(tokens) }));
      expect(await ids({ taskId: tasks.left.taskId })).toEqual([tokens.left.tokenId]);
      expect(await ids({ parentTaskId: tasks.root.taskId })).toEqual(
        idsOf({ items: [tokens.left, tokens.right] }),
      );
      expect(await ids({ taskId: 'unknown' })).toEqual([]);
    });

    test.each([
      [
        'their task',
        ({ tasks }) => ({ kind: 'task', handle: tasks.left.handle, epoch: 0 }),
        ['left', 'leaf'],
      ],
      [
        'their parent token',
        ({ tokens }) => ({ kind: 'token', handle: tokens.left.tokenId, epoch: 0 }),
        ['left', 'leaf'],
      ],
      [
        'themselves alone',
        ({ tokens }) => ({ kind: 'token_self', handle: tokens.left.tokenId, epoch: 0 }),
        ['left'],
      ],
      [
        'their grant',
        ({ tasks }) => ({ kind: 'grant', handle: tasks.root.grant, epoch: 0 }),
        ['root', 'left', 'leaf', 'right'],
      ],
      [
        'their agent',
        ({ clientId }) => ({ kind: 'agent', handle: clientId, epoch: 1 }),
        ['root', 'left', 'leaf', 'right'],
      ],
    ] satisfies [string, (tree: Tree) => Dependency, (keyof Tree['tokens'])[]][])(
      'count as revoked with %s',
      async (_what, handleOf, names) => {
        const tree = await aTree();
        await commit({ do: 'revoke', entry: entryFor(handleOf(tree)) });
        const ids = async (filter: object) =>
          idsOf({
            items: await all(
              (page) => store().tokens.search({ clientId: tree.clientId, now: T0, ...filter }, page),
              1,
            ),
          });
        const dead = names.map((name) => tree.tokens[name]);
        const alive = Object.values(tree.tokens).filter((token) => !dead.includes(token));
        expect(await ids({ revoked: true })).toEqual(idsOf({ items: dead }));
        expect(await ids({ revoked: false })).toEqual(idsOf({ items: alive }));
        expect(await ids({ valid: true })).toEqual(idsOf({ items: alive }));
        expect(await ids({ valid: false })).toEqual(idsOf({ items: dead }));
      },
    );

    test('are not valid once they are used or expired', async () => {
      const task = aTask({ clientId: `agent-${anId()}` });
      const [live, used, past] = [
        aToken(task),
        aToken(task, { consumedAt: T0 }),
        aToken(task, { expiresAt: T0 }),
      ];
      await save([task], [live, used, past]);
      const ids = async (filter: object) =>
        idsOf(await store().tokens.search({ clientId: task.clientId, now: T0, ...filter }, { limit: 9 }));
      expect(await ids({ valid: true })).toEqual([live.tokenId]);
      expect(await ids({ valid: false })).toEqual(idsOf({ items: [used, past] }));
      expect(await ids({ revoked: false })).toEqual(idsOf({ items: [live, used, past] }));
    });

    test('are read on until a filtered page is full', async () => {
      const task = aTask({ clientId: `agent-${anId()}` });
      const tokens = Array.from({ length: 450 }, (_, i) => aToken(task, { issuedAt: T0 + i }));
      await save([task], tokens);
      const dead = tokens.filter((_, i) => i % 225 === 0);
      for (const { tokenId } of dead) {
        await commit({ do: 'revoke', entry: entryFor({ kind: 'token', handle: tokenId, epoch: 0 }) });
      }
      const filter = { clientId: task.clientId, revoked: true, now: T0 };
      const first = await store().tokens.search(filter, { limit: 1 });
      expect(idsOf(first)).toEqual([dead[1]?.tokenId]);
      const second = await store().tokens.search(filter, { limit: 1, after: first.next ?? '' });
      expect(idsOf(second)).toEqual([dead[0]?.tokenId]);
      expect(second.next).toBeNull();
    });

    test('below a task are counted up to a cap', async () => {
      const { tasks, tokens } = await aTree();
      const count = (handle: string, via?: string, cap = 100) =>
        store().tokens.countBelow({ handle, via }, T0, cap);
      expect(await count(tasks.root.handle)).toBe(3);
      expect(await count(tasks.left.handle)).toBe(1);
      expect(await count(tasks.leaf.handle)).toBe(0);
      expect(await count(tasks.root.handle, tokens.root.tokenId)).toBe(2);
      expect(await count(tasks.left.handle, tokens.left.tokenId)).toBe(1);
      expect(await count(tasks.root.handle, 'unused')).toBe(0);
      expect(await count(tasks.root.handle, undefined, 1)).toBe(2);
      expect(await store().tokens.countBelow({ handle: tasks.root.handle }, T0 + HOUR, 100)).toBe(0);
      expect(await count('unknown')).toBe(0);
    });
  });
});
