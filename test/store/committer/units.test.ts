import { expect, test } from '@jest/globals';
import { groupCommitter } from '../../../src/store/commit/committer.ts';
import { anAgent, anEvent, aTask, aToken, aUnit, aUser, T0 } from '../../support/fixtures.ts';
import { taken, used, opening, ledgerEntry, committingOnEveryDatabase } from './scene.ts';

committingOnEveryDatabase(({ open, store }) => {
  test('writes the rows and the events of a unit', async () => {
    const { task, token } = opening();
    const event = anEvent({ taskId: task.taskId, details: { scope: 'reports:read' } });
    await store().commit(
      aUnit(
        [
          { do: 'insert_task', task, miss: taken },
          { do: 'insert_token', token },
        ],
        { events: [event] },
      ),
    );
    expect(await store().tasks.byHandle(task.handle)).toEqual(task);
    expect(await store().tokens.byId(token.tokenId)).toEqual(token);
    expect((await store().audit.search({ taskIds: [task.taskId] }, { limit: 10 })).items).toEqual([event]);
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
    await expect(store().commit(unit)).rejects.toBe(used);
    expect(await store().tasks.byTaskId(task.taskId)).toBeUndefined();
    expect(await store().tokens.byId(token.tokenId)).toBeUndefined();
    expect(await store().ledger.among([{ kind: 'task', handle: task.handle, epoch: 0 }])).toEqual([]);
    expect((await store().audit.search({ taskIds: [task.taskId] }, { limit: 10 })).items).toEqual([]);
    // Not even the tombstone: the id was never used.
    await expect(store().commit(opening(aTask({ taskId: task.taskId })).unit)).resolves.toBeUndefined();
  });

  test('reports a failing statement without the values in it', async () => {
    const { token, unit } = opening();
    await store().commit(unit);
    const again = aToken(aTask(), { digest: token.digest });
    const error: unknown = await store()
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
    await expect(store().commit(unit)).rejects.toThrow();
    expect(await store().tasks.byHandle(task.handle)).toBeUndefined();
  });

  test('keeps the order of the changes in a unit', async () => {
    const { task, token } = opening();
    await store().commit(
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
    expect(await store().tokens.byId(token.tokenId)).toMatchObject({
      consumedAt: T0 + 5,
      revokedAt: T0 + 6,
      revocationReason: 'first',
    });
    expect(await store().tasks.byHandle(task.handle)).toMatchObject({ state: 'completed', endedAt: T0 + 8 });
  });

  test('ends with all that was waiting committed', async () => {
    const committer = groupCommitter(open().knex);
    const openings = Array.from({ length: 200 }, () => opening());
    const commits = openings.map(({ unit }) => committer.commit(unit));
    await committer.drained();
    await Promise.all(commits);
    expect(await store().tasks.byHandles(openings.map(({ task }) => task.handle))).toHaveLength(200);
  });

  test('stores text that not every database can hold', async () => {
    const user = aUser({ name: 'Nul\u0000 and half a pair \ud800' });
    const agent = anAgent({ metadata: { odd: '\u0000\udfff', backslash: '\\u0000' } });
    await store().commit(
      aUnit([
        { do: 'insert_user', user, passwordHash: 'hash', miss: taken },
        { do: 'insert_agent', agent, miss: taken },
      ]),
    );
    expect((await store().users.byId(user.userId))?.name).toContain('half a pair');
    expect((await store().agents.byId(agent.clientId))?.metadata['backslash']).toBe('\\u0000');
    expect(await store().tasks.byTaskId('\u0000')).toBeUndefined();
  });
});
