import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Page, Paged } from '../../src/app/ports/page.ts';
import type { TaskFilter } from '../../src/app/ports/tasks.ts';
import type { Change } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Dependency } from '../../src/domain/revocation.ts';
import type { Task } from '../../src/domain/task.ts';
import type { TaskToken } from '../../src/domain/task-token.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aChild, anAgent, anEvent, anId, aTask, aToken, aUnit, aUser, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'unexpected');
const HOUR = 3_600_000;

onEveryDatabase('reading', (open) => {
  let store: DatabaseStore;
  beforeAll(() => {
    store = createStore(open());
  });
  const commit = (...changes: Change[]) => store.commit(aUnit(changes));
  const save = (tasks: readonly Task[], tokens: readonly TaskToken[] = []) =>
    commit(
      ...tasks.map((task): Change => ({ do: 'insert_task', task, miss })),
      ...tokens.map((token): Change => ({ do: 'insert_token', token })),
    );

  /** root → (left → leaf, right), each derived through the token of its parent; one token each. */
  async function aTree(clientId = `agent-${anId()}`) {
    const root = aTask({ clientId });
    const rootToken = aToken(root);
    const left = aChild(root, rootToken.tokenId, { clientId, createdAt: T0 + 1 });
    const leftToken = aToken(left);
    const right = aChild(root, 'another token of the root', { clientId, createdAt: T0 + 2 });
    const leaf = aChild(left, leftToken.tokenId, { clientId, createdAt: T0 + 3 });
    const tasks = { root, left, right, leaf };
    const tokens = { root: rootToken, left: leftToken, right: aToken(right), leaf: aToken(leaf) };
    await save(Object.values(tasks), Object.values(tokens));
    return { clientId, tasks, tokens };
  }

  describe('tasks', () => {
    test('are found by handle and by id', async () => {
      const { tasks } = await aTree();
      expect(await store.tasks.byHandle(tasks.leaf.handle)).toEqual(tasks.leaf);
      expect(await store.tasks.byTaskId(tasks.leaf.taskId)).toEqual(tasks.leaf);
      expect(await store.tasks.byHandle(tasks.leaf.taskId)).toBeUndefined();
      const asked = [tasks.leaf.handle, 'unknown', tasks.root.handle];
      expect(await store.tasks.byHandles(asked)).toEqual([tasks.leaf, tasks.root]);
      expect(await store.tasks.byHandles([])).toEqual([]);
    });

    test('answer each of many calls at once with its own', async () => {
      const tasks = Array.from({ length: 30 }, () => aTask());
      await save(tasks);
      const found = await Promise.all(
        [...tasks, ...tasks].map(({ handle, taskId }, i) =>
          i % 3 === 0 ? store.tasks.byTaskId(taskId) : store.tasks.byHandle(handle),
        ),
      );
      expect(found).toEqual([...tasks, ...tasks]);
    });

    test('list direct children, oldest first', async () => {
      const { tasks } = await aTree();
      expect(await all((page) => store.tasks.children(tasks.root.handle, page), 1)).toEqual([
        tasks.left,
        tasks.right,
      ]);
    });

    test('list a subtree with parents before their children', async () => {
      const { tasks } = await aTree();
      await aTree();
      const tree = await all((page) => store.tasks.subtree(tasks.root.handle, page), 1);
      expect(tree).toHaveLength(4);
      expect(new Set(tree.map(({ handle }) => handle))).toEqual(
        new Set(Object.values(tasks).map((t) => t.handle)),
      );
      const at = (task: Task) => tree.findIndex(({ handle }) => handle === task.handle);
      expect(at(tasks.root)).toBe(0);
      expect(at(tasks.left)).toBeLessThan(at(tasks.leaf));
      expect(await all((page) => store.tasks.subtree(tasks.left.handle, page), 1)).toEqual([
        tasks.left,
        tasks.leaf,
      ]);
      expect((await store.tasks.subtree('unknown', { limit: 5 })).items).toEqual([]);
    });

    test('keep a handle apart from one that begins with it', async () => {
      const id = anId();
      const [short, long] = [aTask({ handle: id }), aTask({ handle: `${id}-` })];
      await save([short, long, aChild(long, 'via')]);
      expect((await store.tasks.subtree(id, { limit: 5 })).items).toEqual([short]);
    });

    test('are searched by client, subject, root and state, newest first', async () => {
      const clientId = `agent-${anId()}`;
      const { tasks } = await aTree(clientId);
      const done = aTask({ clientId, state: 'completed', createdAt: T0 + 4 });
      const past = aTask({ clientId, expiresAt: T0 + 5, createdAt: T0 + 5, subject: 'somebody' });
      await save([done, past]);
      const handles = async (filter: Omit<TaskFilter, 'now'>) =>
        (await all((page) => store.tasks.search({ ...filter, now: T0 + 10 }, page), 2)).map(
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

  describe('tokens', () => {
    test('are found together with their tasks, each of many calls with its own', async () => {
      const tasks = [aTask({ leaf: true, endedReason: 'done' }), aTask()];
      const tokens = tasks.map((task) => aToken(task, { jwtDigest: anId(), digest: null, format: 'jwt' }));
      for (const [i, task] of tasks.entries()) {
        await store.commit(
          aUnit([
            { do: 'insert_task', task, miss },
            { do: 'insert_token', token: tokens[i] as TaskToken },
          ]),
        );
      }
      const asked = [...tokens.map(({ tokenId }) => tokenId), anId()];
      const standings = await Promise.all(asked.map((id) => store.tokens.standing(id)));
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
      expect(await store.tokens.byId(tokens.leaf.tokenId)).toEqual(tokens.leaf);
      expect(await store.tokens.byDigest(tokens.leaf.digest ?? '')).toEqual(tokens.leaf);
      expect(await store.tokens.byDigest(tokens.leaf.tokenId)).toBeUndefined();
      expect(await store.tokens.ofTask(tasks.root.handle)).toEqual([tokens.root, later]);
    });

    test('are searched by client, task, parent and subject', async () => {
      const { clientId, tasks, tokens } = await aTree();
      const ids = async (filter: object) =>
        idsOf(await store.tokens.search({ ...filter, now: T0 }, { limit: 9 }));
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
              (page) => store.tokens.search({ clientId: tree.clientId, now: T0, ...filter }, page),
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
        idsOf(await store.tokens.search({ clientId: task.clientId, now: T0, ...filter }, { limit: 9 }));
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
      const first = await store.tokens.search(filter, { limit: 1 });
      expect(idsOf(first)).toEqual([dead[1]?.tokenId]);
      const second = await store.tokens.search(filter, { limit: 1, after: first.next ?? '' });
      expect(idsOf(second)).toEqual([dead[0]?.tokenId]);
      expect(second.next).toBeNull();
    });

    test('below a task are counted up to a cap', async () => {
      const { tasks, tokens } = await aTree();
      const count = (handle: string, via?: string, cap = 100) =>
        store.tokens.countBelow({ handle, via }, T0, cap);
      expect(await count(tasks.root.handle)).toBe(3);
      expect(await count(tasks.left.handle)).toBe(1);
      expect(await count(tasks.leaf.handle)).toBe(0);
      expect(await count(tasks.root.handle, tokens.root.tokenId)).toBe(2);
      expect(await count(tasks.left.handle, tokens.left.tokenId)).toBe(1);
      expect(await count(tasks.root.handle, 'unused')).toBe(0);
      expect(await count(tasks.root.handle, undefined, 1)).toBe(2);
      expect(await store.tokens.countBelow({ handle: tasks.root.handle }, T0 + HOUR, 100)).toBe(0);
      expect(await count('unknown')).toBe(0);
    });
  });

  test('the ledger answers each of many calls with the rows for its own handles', async () => {
    const handles = Array.from({ length: 5 }, () => anId());
    for (const handle of handles)
      await commit({ do: 'revoke', entry: entryFor({ kind: 'task', handle, epoch: 0 }) });
    const answers = await Promise.all([
      ...handles.map((handle) => store.ledger.among([{ kind: 'task', handle, epoch: 0 }])),
      store.ledger.among([{ kind: 'grant', handle: handles[0] ?? '', epoch: 0 }]),
      store.ledger.among([]),
    ]);
    expect(answers).toEqual([...handles.map((handle) => [{ kind: 'task', handle, epoch: 0 }]), [], []]);
  });

  test('the ledger tells when, why and by whom a handle was ended, each epoch by itself', async () => {
    const [task, agent] = [anId(), anId()];
    const entries = [
      entryFor({ kind: 'task', handle: task, epoch: 0 }),
      {
        ...entryFor({ kind: 'agent', handle: agent, epoch: 2 }),
        reason: 'again',
        actor: 'admin',
        at: T0 + 5,
      },
      { ...entryFor({ kind: 'agent', handle: agent, epoch: 1 }), reason: 'once', actor: null, at: T0 + 3 },
    ];
    for (const entry of entries) await commit({ do: 'revoke', entry });
    expect(await store.ledger.entries({ kind: 'agent', handle: agent })).toEqual([
      { kind: 'agent', handle: agent, epoch: 1, at: T0 + 3, reason: 'once', actor: null },
      { kind: 'agent', handle: agent, epoch: 2, at: T0 + 5, reason: 'again', actor: 'admin' },
    ]);
    expect(await store.ledger.entries({ kind: 'task', handle: task })).toHaveLength(1);
    expect(await store.ledger.entries({ kind: 'grant', handle: task })).toEqual([]);
  });

  test('agents are searched by state, kind and part of the name, without deleted ones unless asked', async () => {
    const mark = anId();
    const agents = [
      anAgent({ name: `100% ${mark} ONE`, createdAt: T0 + 3 }),
      anAgent({ name: `100_ ${mark} two`, createdAt: T0 + 2, state: 'pending' }),
      anAgent({ name: `${mark} three`, createdAt: T0 + 1, kind: 'resource_server' }),
      anAgent({ name: `${mark} four`, createdAt: T0, deletedAt: T0 }),
    ];
    await commit(...agents.map((agent): Change => ({ do: 'insert_agent', agent, miss })));
    const found = async (filter: object) =>
      (await all((page) => store.agents.search({ name: mark, ...filter }, page), 1)).map((agent) =>
        agents.indexOf(agents.find((a) => a.clientId === agent.clientId)!),
      );
    expect(await found({})).toEqual([0, 1, 2]);
    expect(await found({ includeDeleted: true })).toEqual([0, 1, 2, 3]);
    expect(await found({ state: 'pending' })).toEqual([1]);
    expect(await found({ kind: 'resource_server' })).toEqual([2]);
    expect(await found({ name: `100% ${mark} one` })).toEqual([0]);
    expect(await found({ name: `100_ ${mark}` })).toEqual([1]);
  });

  test('users are listed newest first and counted', async () => {
    const before = await store.users.count();
    const users = [aUser({ createdAt: T0 + 8 * HOUR }), aUser({ createdAt: T0 + 9 * HOUR })];
    await commit(...users.map((user): Change => ({ do: 'insert_user', user, passwordHash: 'h', miss })));
    expect(await store.users.count()).toBe(before + 2);
    expect((await store.users.search({ limit: 2 })).items).toEqual(users.toReversed());
  });

  test('audit events are searched by every filter, in both directions, as their units tell them', async () => {
    const clientId = `agent-${anId()}`;
    const events = [
      anEvent({ clientId, at: T0, type: 'task_opened', taskId: 'a' }),
      anEvent({ clientId, at: T0, type: 'token_issued', taskId: 'a', tokenId: `token-${clientId}` }),
      anEvent({
        clientId,
        at: T0 + 1,
        type: 'token_refused',
        outcome: 'refused',
        taskId: 'b',
        userId: `user-${clientId}`,
        details: { task_error: 'not_subset' },
      }),
    ];
    await store.commit(aUnit([], { events }));
    const found = (filter: object, limit = 1) =>
      all((page) => store.audit.search({ clientId, ...filter }, page), limit);
    expect(await found({})).toEqual(events.toReversed());
    expect(await found({ order: 'oldest' })).toEqual(events);
    expect(await found({ taskIds: ['a', 'unknown'] })).toEqual([events[1], events[0]]);
    expect(await found({ taskIds: [] })).toEqual([]);
    expect(await found({ tokenId: `token-${clientId}` })).toEqual([events[1]]);
    expect(await found({ userId: `user-${clientId}` })).toEqual([events[2]]);
    expect(await found({ outcome: 'refused' })).toEqual([events[2]]);
    expect(await found({ taskError: 'not_subset' })).toEqual([events[2]]);
    expect(await found({ type: 'task_opened' })).toEqual([events[0]]);
    expect(await found({ from: T0 + 1 })).toEqual([events[2]]);
    expect(await found({ to: T0 })).toEqual([events[1], events[0]]);
  });

  test('counts tell how much there is', async () => {
    const before = await store.counts(T0);
    const { clientId } = await aTree();
    const task = aTask({ clientId, expiresAt: T0 });
    await save(
      [
        task,
        aTask({ clientId, state: 'failed' }),
        aTask({ clientId, state: 'failed', expiresAt: T0 }),
        aTask({ clientId, state: 'completed', expiresAt: T0 - 1 }),
      ],
      [
        aToken(task, { expiresAt: T0 }),
        aToken(task, { revokedAt: T0 }),
        aToken(task, { revokedAt: T0, expiresAt: T0 }),
      ],
    );
    const after = await store.counts(T0);
    expect(after.tasks).toEqual({
      ...before.tasks,
      active: before.tasks.active + 4,
      expired: before.tasks.expired + 1,
      failed: before.tasks.failed + 2,
      completed: before.tasks.completed + 1,
    });
    expect(after.tokens).toEqual({
      active: before.tokens.active + 4,
      expired: before.tokens.expired + 1,
      revoked: before.tokens.revoked + 2,
    });
    expect(after.auditEvents).toBe(before.auditEvents + 2);
  });

  test.each(['', 'x', 'bnVsbA', 'W10', 'WzEsMl0', 'WyIxIiwiYSJd', '../../'])(
    'a cursor that no list answered (%j) is refused',
    async (after) => {
      const search = store.tokens.search({ now: T0 }, { limit: 1, after });
      await expect(search).rejects.toMatchObject({ name: 'DomainError', code: 'parameter_invalid' });
    },
  );

  type Tree = Awaited<ReturnType<typeof aTree>>;
});

/** Every page of a list, read with the cursors that it answers. */
async function all<T>(list: (page: Page) => Promise<Paged<T>>, limit: number): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await list({ limit, after });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === null) return items;
    after = page.next;
  }
}

function idsOf({ items }: { items: readonly TaskToken[] }): string[] {
  return items.map(({ tokenId }) => tokenId).sort();
}

function entryFor(handle: Dependency) {
  return { ...handle, reason: null, actor: null, at: T0, expiresAt: T0 + HOUR };
}
