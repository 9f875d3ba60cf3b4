import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { groupCommitter, type Transact } from '../../src/store/committer.ts';
import { OverloadedError, UnitQueue } from '../../src/store/unit-queue.ts';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { basisOf } from '../../src/domain/revocation.ts';
import { aChild, anAgent, anEvent, aTask, aToken, aUnit, aUser, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const taken = new DomainError('task_id_taken', 'taken');
const used = new DomainError('grant_replayed', 'used');
const full = new DomainError('fanout_exceeded', 'full');
const revoked = new DomainError('parent_revoked', 'revoked');

onEveryDatabase('committing units of work', (open) => {
  let store: DatabaseStore;
  beforeEach(() => {
    store = createStore(open());
  });

  const opening = (task = aTask(), token = aToken(task)) => ({
    task,
    token,
    unit: aUnit([
      { do: 'insert_task', task, miss: taken },
      { do: 'insert_token', token },
    ]),
  });

  test('writes the rows and the events of a unit', async () => {
    const { task, token } = opening();
    const event = anEvent({ taskId: task.taskId, details: { scope: 'reports:read' } });
    await store.commit(
      aUnit(
        [
          { do: 'insert_task', task, miss: taken },
          { do: 'insert_token', token },
        ],
        { events: [event] },
      ),
    );
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    expect(await store.tokens.byId(token.tokenId)).toEqual(token);
    expect((await store.audit.search({ taskIds: [task.taskId] }, { limit: 10 })).items).toEqual([event]);
  });

  test('leaves nothing of a unit that fails at its last change', async () => {
    const { task, token } = opening();
    const event = anEvent({ taskId: task.taskId });
    const unit = aUnit(
      [
        { do: 'insert_task', task, miss: taken },
        { do: 'insert_token', token },
        { do: 'revoke', entry: ledgerEntry('task', task.handle) },
        { do: 'consume_token', tokenId: 'unknown', at: T0, redeemedAs: null, miss: used },
      ],
      { events: [event] },
    );
    await expect(store.commit(unit)).rejects.toBe(used);
    expect(await store.tasks.byTaskId(task.taskId)).toBeUndefined();
    expect(await store.tokens.byId(token.tokenId)).toBeUndefined();
    expect(await store.ledger.among([{ kind: 'task', handle: task.handle, epoch: 0 }])).toEqual([]);
    expect((await store.audit.search({ taskIds: [task.taskId] }, { limit: 10 })).items).toEqual([]);
    // Not even the tombstone: the id was never used.
    await expect(store.commit(opening(aTask({ taskId: task.taskId })).unit)).resolves.toBeUndefined();
  });

  test('reports a failing statement without the values in it', async () => {
    const { token, unit } = opening();
    await store.commit(unit);
    const again = aToken(aTask(), { digest: token.digest });
    const error: unknown = await store
      .commit(aUnit([{ do: 'insert_token', token: again }]))
      .catch((e: unknown) => e);
    expect(String(error)).toContain('tokens');
    expect(String(error)).not.toContain(token.digest);
    expect(String(error)).not.toContain(again.tokenId);
  });

  test('leaves nothing when the event cannot be stored', async () => {
    const { task } = opening();
    const broken = anEvent({ type: null as never });
    const unit = aUnit([{ do: 'insert_task', task, miss: taken }], { events: [broken] });
    await expect(store.commit(unit)).rejects.toThrow();
    expect(await store.tasks.byHandle(task.handle)).toBeUndefined();
  });

  test('lets the neighbours of failing units through', async () => {
    const before = opening();
    await store.commit(before.unit);
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
          const outcome = await store.commit(unit).then(
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
    expect(await store.tasks.byHandles(good.map(({ task }) => task.handle))).toHaveLength(20);
    expect(await store.tasks.byHandles([...misses, ...clash].map(({ task }) => task.handle))).toEqual([]);
  });

  test('gives a task_id that many open at once to one of them', async () => {
    const taskId = aTask().taskId;
    const units = Array.from({ length: 30 }, () => opening(aTask({ taskId })).unit);
    const outcomes = await Promise.allSettled(units.map((unit) => store.commit(unit)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBe(taken);
  });

  test('lets one of two units consume a token', async () => {
    const { token, unit } = opening();
    await store.commit(unit);
    const attempts = [1, 2, 3].map((n) =>
      aUnit([{ do: 'consume_token', tokenId: token.tokenId, at: T0 + n, redeemedAs: `t${n}`, miss: used }]),
    );
    const outcomes = await Promise.allSettled(attempts.map((attempt) => store.commit(attempt)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await store.tokens.byId(token.tokenId)).toMatchObject({ consumedAt: T0 + 1, redeemedAs: 't1' });
  });

  test('never has more children than the maximum, however many are derived in parallel', async () => {
    const parent = aTask({ maxChildren: 7 });
    await store.commit(aUnit([{ do: 'insert_task', task: parent, miss: taken }]));
    // Two committers: the maximum holds between nodes, not only within one queue.
    const nodes = [store, groupCommitter(open().knex)];
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
    expect((await store.tasks.byHandle(parent.handle))?.childCount).toBe(7);
    expect((await store.tasks.children(parent.handle, { limit: 50 })).items).toHaveLength(7);
  });

  test('counts children that are derived at once in one commit', async () => {
    const [wide, narrow] = [aTask({ maxChildren: 100 }), aTask({ maxChildren: 1 })];
    await store.commit(aUnit([wide, narrow].map((task) => ({ do: 'insert_task', task, miss: taken }))));
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
    const found = await store.tasks.byHandles([wide.handle, narrow.handle]);
    expect(found.map(({ childCount }) => childCount)).toEqual([41, 1]);
  });

  test('keeps the order of the changes in a unit', async () => {
    const { task, token } = opening();
    await store.commit(
      aUnit([
        { do: 'insert_task', task, miss: taken },
        { do: 'insert_token', token },
        { do: 'consume_token', tokenId: token.tokenId, at: T0 + 5, redeemedAs: null, miss: used },
        {
          do: 'mark_token_revoked',
          tokenId: token.tokenId,
          redeemedAs: null,
          miss: used,
          reason: 'first',
          at: T0 + 6,
        },
        {
          do: 'mark_token_revoked',
          tokenId: token.tokenId,
          redeemedAs: null,
          miss: used,
          reason: 'second',
          at: T0 + 7,
        },
        { do: 'end_task', handle: task.handle, state: 'completed', reason: 'done', at: T0 + 8, miss: taken },
      ]),
    );
    expect(await store.tokens.byId(token.tokenId)).toMatchObject({
      consumedAt: T0 + 5,
      revokedAt: T0 + 6,
      revocationReason: 'first',
    });
    expect(await store.tasks.byHandle(task.handle)).toMatchObject({ state: 'completed', endedAt: T0 + 8 });
  });

  describe('guards', () => {
    test('refuse what rests on a revoked handle, and nothing else', async () => {
      await store.commit(aUnit([{ do: 'revoke', entry: ledgerEntry('task', 'ended') }]));
      const guarded = (handle: string) => ({
        ...opening().unit,
        guards: [{ live: basisOf({ kind: 'task', handle, epoch: 0 }), miss: revoked }],
      });
      const outcomes = await Promise.allSettled([
        store.commit(guarded('live')),
        store.commit(guarded('ended')),
        store.commit(guarded('live too')),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(outcomes[1]).toMatchObject({ reason: revoked });
    });

    test('compare epochs of agents', async () => {
      await store.commit(aUnit([{ do: 'revoke', entry: { ...ledgerEntry('agent', 'counted'), epoch: 2 } }]));
      const at = (epoch: number) =>
        aUnit([], {
          guards: [{ live: basisOf({ kind: 'agent', handle: 'counted', epoch }), miss: revoked }],
        });
      await expect(store.commit(at(1))).rejects.toBe(revoked);
      await expect(store.commit(at(2))).resolves.toBeUndefined();
    });

    test('do not confuse handles of different kinds', async () => {
      await store.commit(aUnit([{ do: 'revoke', entry: ledgerEntry('token_self', 'same') }]));
      const unit = aUnit([], {
        guards: [{ live: basisOf({ kind: 'token', handle: 'same', epoch: 0 }), miss: revoked }],
      });
      await expect(store.commit(unit)).resolves.toBeUndefined();
    });
  });

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
      expect(await store.tasks.byHandle(task.handle)).toEqual(task);
    });

    test('is a success for every unit of a batch', async () => {
      const committer = groupCommitter(open().knex, forgetful(1));
      const openings = Array.from({ length: 10 }, () => opening());
      await Promise.all(openings.map(({ unit }) => committer.commit(unit)));
      expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(10);
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
      expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(2);
    });

    test('is told to the caller when the database stays away', async () => {
      const committer = groupCommitter(open().knex, async () => {
        throw new Error('Connection refused');
      });
      await expect(committer.commit(opening().unit)).rejects.toThrow('Connection refused');
    });
  });

  describe('the ledger', () => {
    test('numbers revocations in the order in which they become visible', async () => {
      const nodes = Array.from({ length: 6 }, () => groupCommitter(open().knex));
      const seen: number[] = [];
      let watching = true;
      const watch = (async () => {
        while (watching) {
          await setImmediate();
          const rows = await open()
            .knex('revocations')
            .orderBy('seq')
            .where('seq', '>', seen.at(-1) ?? 0);
          seen.push(...rows.map((row) => Number(row.seq)));
        }
      })();
      await Promise.all(
        Array.from({ length: 240 }, (_, i) =>
          nodes[i % 6]!.commit(aUnit([{ do: 'revoke', entry: ledgerEntry('token', `ordered-${i}`) }])),
        ),
      );
      watching = false;
      await watch;
      const all = await open().knex('revocations').orderBy('seq').pluck('seq');
      const late = await open()
        .knex('revocations')
        .orderBy('seq')
        .where('seq', '>', seen.at(-1) ?? 0);
      expect([...seen, ...late.map((row) => Number(row.seq))]).toEqual(all.map(Number));
    });

    test('keeps one row however often a handle is revoked, for the longest time asked', async () => {
      const entry = ledgerEntry('grant', 'again');
      await store.commit(aUnit([{ do: 'revoke', entry }]));
      await store.commit(aUnit([{ do: 'revoke', entry: { ...entry, expiresAt: entry.expiresAt + 10 } }]));
      await store.commit(aUnit([{ do: 'revoke', entry: { ...entry, expiresAt: entry.expiresAt + 5 } }]));
      const rows = await open().knex('revocations').where('handle', 'again');
      expect(rows.map((row) => Number(row.expires_at))).toEqual([entry.expiresAt + 10]);
    });
  });

  test('ends with all that was waiting committed', async () => {
    const committer = groupCommitter(open().knex);
    const openings = Array.from({ length: 200 }, () => opening());
    const commits = openings.map(({ unit }) => committer.commit(unit));
    await committer.drained();
    await Promise.all(commits);
    expect(await store.tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(200);
  });

  test('stores text that not every database can hold', async () => {
    const user = aUser({ name: 'Nul\u0000 and half a pair \ud800' });
    const agent = anAgent({ metadata: { odd: '\u0000\udfff', backslash: '\\u0000' } });
    await store.commit(
      aUnit([
        { do: 'insert_user', user, passwordHash: 'hash', miss: taken },
        { do: 'insert_agent', agent, miss: taken },
      ]),
    );
    expect((await store.users.byId(user.userId))?.name).toContain('half a pair');
    expect((await store.agents.byId(agent.clientId))?.metadata['backslash']).toBe('\\u0000');
    expect(await store.tasks.byTaskId('\u0000')).toBeUndefined();
  });
});

describe('the queue of units', () => {
  const consuming = (tokenId: string) =>
    aUnit([{ do: 'consume_token', tokenId, at: T0, redeemedAs: null, miss: used }]);

  /** Its time runs out long after the test, when nobody listens any more. */
  const add = (queue: UnitQueue, unit: UnitOfWork) => void queue.add(unit).catch(() => undefined);

  test('turns away what comes beyond its capacity', async () => {
    const queue = new UnitQueue(2, 60_000);
    add(queue, consuming('a'));
    add(queue, consuming('b'));
    await expect(queue.add(consuming('c'))).rejects.toBeInstanceOf(OverloadedError);
  });

  test('takes one unit per conditional key, in the order of arrival', () => {
    const queue = new UnitQueue(100, 60_000);
    const units = ['a', 'a', 'b', 'a'].map(consuming);
    for (const unit of units) add(queue, unit);
    const batches = [queue.take(64), queue.take(64), queue.take(64), queue.take(64)];
    expect(batches.map((batch) => batch.map(({ unit }) => units.indexOf(unit)))).toEqual([
      [0, 2],
      [1],
      [3],
      [],
    ]);
  });

  test('takes no more than asked', () => {
    const queue = new UnitQueue(100, 60_000);
    for (let i = 0; i < 10; i += 1) add(queue, consuming(`t${i}`));
    expect(queue.take(4)).toHaveLength(4);
    expect(queue.length).toBe(6);
  });
});

function ledgerEntry(kind: 'task' | 'token' | 'token_self' | 'grant' | 'agent', handle: string) {
  return { kind, handle, epoch: 0, reason: 'test', actor: 'admin', at: T0, expiresAt: T0 + 1000 };
}
