import { beforeEach, expect, test } from '@jest/globals';
import type { Change } from '../../src/app/unit-of-work.ts';
import type { ApiKey } from '../../src/domain/api-key.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('conflict', 'the key is not in the expected state');
const MINUTE = 60_000;

onEveryDatabase('API keys', (open) => {
  let store: DatabaseStore;
  let clientId: string;
  beforeEach(async () => {
    store = createStore(open());
    const agent = anAgent();
    clientId = agent.clientId;
    await commit({ do: 'insert_agent', agent, miss });
  });

  const commit = (...changes: Change[]) => store.commit(aUnit(changes));
  const refused = (...changes: Change[]) => expect(commit(...changes)).rejects.toBe(miss);

  async function aKey(over: Partial<ApiKey> = {}): Promise<ApiKey> {
    const key: ApiKey = {
      keyId: `key-${anId()}`,
      clientId,
      name: 'Laptop',
      prefix: anId(),
      digest: anId(),
      createdAt: T0,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      replacedBy: null,
      ...over,
    };
    await commit({ do: 'insert_api_key', key, most: 3, at: T0, miss });
    return key;
  }

  const used = ({ keyId }: ApiKey, over: Partial<Extract<Change, { do: 'use_api_key' }>> = {}): Change => ({
    do: 'use_api_key',
    keyId,
    clientId,
    task: null,
    at: T0,
    miss,
    ...over,
  });
  const ended = ({ keyId }: ApiKey, over: Partial<Extract<Change, { do: 'end_api_key' }>> = {}): Change => ({
    do: 'end_api_key',
    keyId,
    expiresAt: T0,
    revokedAt: T0,
    replacedBy: null,
    at: T0,
    miss,
    ...over,
  });

  /** A task with tokens, opened by the key in the unit that uses it. */
  async function opened(key: ApiKey, over: Parameters<typeof aTask>[0] = {}) {
    const task = aTask({ clientId: key.clientId, origin: 'api_key', ...over });
    await commit(
      used(key, { clientId: key.clientId, task }),
      { do: 'insert_task', task, miss },
      { do: 'insert_token', token: aToken(task) },
      { do: 'insert_token', token: aToken(task, { kind: 'refresh' }) },
    );
    return task;
  }

  test('are found by their prefix and by their id, as they were stored', async () => {
    const key = await aKey({ expiresAt: T0 + MINUTE, name: 'Ünïcode 🔑' });
    expect(await store.apiKeys.byPrefix(key.prefix)).toEqual(key);
    expect(await store.apiKeys.byId(key.keyId)).toEqual(key);
    expect(await store.apiKeys.byPrefix(key.keyId)).toBeUndefined();
  });

  test('have prefixes of their own: a second one misses and changes nothing', async () => {
    const key = await aKey();
    await refused({ do: 'insert_api_key', key: { ...key, keyId: anId() }, most: 3, at: T0, miss });
    expect(await store.apiKeys.byPrefix(key.prefix)).toEqual(key);
  });

  test('are listed by agent, newest first, page by page', async () => {
    const keys = [];
    for (const i of [0, 1, 2]) keys.unshift(await aKey({ createdAt: T0 + i }));
    const first = await store.apiKeys.ofAgent(clientId, { limit: 2 });
    expect(first.items).toEqual(keys.slice(0, 2));
    const rest = await store.apiKeys.ofAgent(clientId, { limit: 2, after: first.next ?? '' });
    expect(rest).toEqual({ items: keys.slice(2), next: null });
    expect((await store.apiKeys.ofAgent('somebody-else', { limit: 2 })).items).toEqual([]);
  });

  test('count while they work: one more than the agent may have misses', async () => {
    const first = await aKey();
    const another: Change = {
      do: 'insert_api_key',
      key: { ...first, keyId: anId(), prefix: anId() },
      most: 3,
      at: T0,
      miss,
    };
    await aKey({ expiresAt: T0 + 1 });
    await aKey({ expiresAt: T0 });
    await aKey();
    await refused(another);
    await commit(ended(first), { ...another, key: { ...another.key, keyId: anId(), prefix: anId() } });
  });

  test('use_api_key misses for an unknown, an expired and an ended key, and nothing of its unit happens', async () => {
    const task = aTask({ clientId });
    const opening = (use: Change) => refused(use, { do: 'insert_task', task, miss });
    await opening(used(await aKey({ expiresAt: T0 }), { task }));
    const gone = await aKey();
    await commit(ended(gone));
    await opening(used(gone, { task }));
    await opening(used({ ...gone, keyId: 'unknown' }, { task }));
    expect(await store.tasks.byHandle(task.handle)).toBeUndefined();
    expect(await store.apiKeys.openTasks({ clientId }, T0, 10)).toEqual([]);
  });

  test('use_api_key misses for a key that was revoked after the unit was made, and before it is committed', async () => {
    const task = aTask({ clientId });
    const key = await aKey();
    await commit(ended(key, { expiresAt: T0 + 5, revokedAt: T0 + 5 }));
    await refused(used(key, { task, at: T0 }), { do: 'insert_task', task, miss });
    expect(await store.tasks.byHandle(task.handle)).toBeUndefined();
    // One that was replaced works for as long as that was said.
    const replaced = await aKey();
    await commit(ended(replaced, { expiresAt: T0 + 5, revokedAt: null, replacedBy: key.keyId }));
    await commit(used(replaced, { at: T0 }));
  });

  test('remember their last use to the minute, with one write a minute', async () => {
    const key = await aKey();
    const lastUsed = async () => (await store.apiKeys.byId(key.keyId))?.lastUsedAt;
    await commit(used(key, { at: T0 }));
    await commit(used(key, { at: T0 + MINUTE - 1 }));
    expect(await lastUsed()).toBe(T0);
    await commit(used(key, { at: T0 + MINUTE }));
    expect(await lastUsed()).toBe(T0 + MINUTE);
  });

  test('are used by many units at once', async () => {
    const [one, other] = [await aKey(), await aKey()];
    await Promise.all([one, other, one, other, one].map((key) => opened(key)));
    expect(await store.apiKeys.openTasks({ keyId: one.keyId }, T0, 10)).toHaveLength(3);
    expect(await store.apiKeys.openTasks({ clientId }, T0, 10)).toHaveLength(5);
  });

  test('end once, never later than before', async () => {
    const key = await aKey({ expiresAt: T0 + MINUTE });
    await commit(ended(key, { expiresAt: T0 + 2 * MINUTE, revokedAt: null, replacedBy: 'next' }));
    expect(await store.apiKeys.byId(key.keyId)).toMatchObject({ expiresAt: T0 + MINUTE, replacedBy: 'next' });
    await refused(ended(key, { expiresAt: T0 + 1, revokedAt: null, replacedBy: 'another' }));
    await commit(ended(key));
    const gone = { expiresAt: T0, revokedAt: T0, replacedBy: 'next' };
    expect(await store.apiKeys.byId(key.keyId)).toMatchObject(gone);
    await refused(ended(key));
  });

  test('of one agent end together, and no other ones', async () => {
    const [one, expired] = [await aKey(), await aKey({ expiresAt: T0 - 1 })];
    const stranger = anAgent();
    await commit({ do: 'insert_agent', agent: stranger, miss });
    const others = await aKey({ clientId: stranger.clientId });
    await commit({ do: 'end_api_keys', clientId, at: T0 });
    expect(await store.apiKeys.byId(one.keyId)).toMatchObject({ expiresAt: T0, revokedAt: T0 });
    expect(await store.apiKeys.byId(expired.keyId)).toEqual(expired);
    expect(await store.apiKeys.byId(others.keyId)).toEqual(others);
  });

  test('tell which living tasks they opened, and how many of their tokens still work', async () => {
    const [key, other] = [await aKey(), await aKey()];
    const task = await opened(key);
    const second = await opened(other);
    await opened(key, { state: 'revoked' });
    await opened(key, { expiresAt: T0 });
    const tokens = await store.tokens.ofTask(task.handle);
    const [refresh] = tokens.filter(({ kind }) => kind === 'refresh');
    const of = { handle: task.handle, tokens: 2 };
    expect(await store.apiKeys.openTasks({ keyId: key.keyId }, T0, 10)).toEqual([of]);
    expect(await store.apiKeys.openTasks({ clientId }, T0, 1)).toHaveLength(1);
    expect((await store.apiKeys.openTasks({ clientId }, T0, 10)).map(({ handle }) => handle).sort()).toEqual(
      [task.handle, second.handle].sort(),
    );
    const { tokenId = '' } = refresh ?? {};
    await commit({ do: 'consume_token', tokenId, at: T0, redeemedAs: null, miss });
    expect(await store.apiKeys.openTasks({ keyId: key.keyId }, T0, 10)).toEqual([{ ...of, tokens: 1 }]);
  });

  test('of a key that is ended while it opens tasks, every task is found afterwards or was never opened', async () => {
    for (let round = 0; round < 10; round += 1) {
      const key = await aKey();
      const opening = Array.from({ length: 8 }, () => opened(key).then(({ handle }) => handle));
      const [, ...results] = await Promise.allSettled([commit(ended(key)), ...opening]);
      const handles = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const found = await store.apiKeys.openTasks({ keyId: key.keyId }, T0, 100);
      expect(found.map(({ handle }) => handle).sort()).toEqual(handles.sort());
      await expect(opened(key)).rejects.toBe(miss);
    }
  });
});

onEveryDatabase('lists that are counted', (open) => {
  test('are cut by number, newest first, with how many there are', async () => {
    const store = createStore(open());
    const agents = [];
    for (const i of [0, 1, 2, 3, 4]) {
      const agent = anAgent({ name: `Counted ${i}`, createdAt: T0 + i });
      await store.commit(aUnit([{ do: 'insert_agent', agent, miss }]));
      agents.unshift(agent.clientId);
    }
    const part = (offset: number, limit: number) =>
      store.agents.slice({ name: 'counted' }, { offset, limit }).then(({ items, ...rest }) => ({
        ids: items.map((one) => one.clientId),
        ...rest,
      }));
    expect(await part(1, 2)).toEqual({ ids: agents.slice(1, 3), total: 5, truncated: false });
    expect(await part(4, 10)).toEqual({ ids: agents.slice(4), total: 5, truncated: false });
    expect(await part(5, 10)).toEqual({ ids: [], total: 5, truncated: false });
  });

  test('are counted up to 10,000', async () => {
    const store = createStore(open());
    const clientId = anId();
    const event = (i: number) => ({ ...aUnit([]).events[0]!, id: anId(), clientId, at: T0 + i });
    const many = Array.from({ length: 10_001 }, (_, i) => event(i));
    await store.commit({ ...aUnit([]), events: many });
    const { items, ...rest } = await store.audit.slice({ clientId }, { offset: 10_000, limit: 5 });
    expect(rest).toEqual({ total: 10_000, truncated: true });
    expect(items.map(({ at }) => at)).toEqual([T0]);
  });
});

onEveryDatabase('looking a key up by its prefix', (open) => {
  test('is a search of a unique index, whatever the number of keys', async () => {
    const { knex } = open();
    const postgres = knex.client.config.client === 'pg';
    // An empty table is read from end to end by anybody who plans.
    if (postgres) await knex.raw('SET enable_seqscan = off');
    const sql = "SELECT key_id FROM api_keys WHERE prefix = 'abcdefghijkl'";
    const answer = await knex.raw(postgres ? `EXPLAIN ${sql}` : `EXPLAIN QUERY PLAN ${sql}`);
    const plan = JSON.stringify(postgres ? answer.rows : answer);
    expect(plan).toMatch(/Index.*Scan using api_keys_prefix|SEARCH api_keys USING INDEX api_keys_prefix/);
    if (postgres) await knex.raw('RESET enable_seqscan');
  });
});
