import { expect, test } from '@jest/globals';
import type { Change } from '../../../src/app/unit-of-work.ts';
import { anAgent, anEvent, anId, aUnit, aUser, T0 } from '../../support/fixtures.ts';
import { all, miss, readingOnEveryDatabase } from './reading.ts';

const HOUR = 3_600_000;

readingOnEveryDatabase(({ store, commit }) => {
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
      (await all((page) => store().agents.search({ name: mark, ...filter }, page), 1)).map((agent) =>
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
    const before = await store().users.count();
    const users = [aUser({ createdAt: T0 + 8 * HOUR }), aUser({ createdAt: T0 + 9 * HOUR })];
    await commit(...users.map((user): Change => ({ do: 'insert_user', user, passwordHash: 'h', miss })));
    expect(await store().users.count()).toBe(before + 2);
    expect((await store().users.search({ limit: 2 })).items).toEqual(users.toReversed());
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
    await store().commit(aUnit([], { events }));
    const found = (filter: object, limit = 1) =>
      all((page) => store().audit.search({ clientId, ...filter }, page), limit);
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

  test.each([
    ['École', 'École'],
    ['İstanbul', 'İstanb'],
    ['50% off!', '50% OFF!'],
  ])('an agent named %s is found by %s', async (name, part) => {
    const agent = anAgent({ name });
    await commit({ do: 'insert_agent', agent, miss });
    const { items } = await store().agents.search({ name: part }, { limit: 10 });
    expect(items.map(({ clientId }) => clientId)).toEqual([agent.clientId]);
  });

  test('a part that no name can hold finds none', async () => {
    await commit({ do: 'insert_agent', agent: anAgent(), miss });
    expect((await store().agents.search({ name: '\u0000' }, { limit: 10 })).items).toEqual([]);
  });

  test.each(['', 'x', 'bnVsbA', 'W10', 'WzEsMl0', 'WyIxIiwiYSJd', '../../'])(
    'a cursor that no list answered (%j) is refused',
    async (after) => {
      const search = store().tokens.search({ now: T0 }, { limit: 1, after });
      await expect(search).rejects.toMatchObject({ name: 'DomainError', code: 'parameter_invalid' });
    },
  );

  test.each([2 ** 31, -(2 ** 31), 2 ** 53])(
    'a cursor with a number that no row can hold (%d) is refused',
    async (position) => {
      const after = Buffer.from(JSON.stringify([T0, 'unit', position])).toString('base64url');
      await expect(store().audit.search({}, { limit: 1, after })).rejects.toMatchObject({
        name: 'DomainError',
        code: 'parameter_invalid',
      });
    },
  );
});
