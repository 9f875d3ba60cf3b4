import { beforeAll, describe, expect, test } from '@jest/globals';
import type { EntryPlace, StatusEntry, StatusListRow } from '../../src/app/ports/status-lists.ts';
import { createStatusIndexes } from '../../src/app/revocations/status-indexes.ts';
import type { Change } from '../../src/app/unit-of-work.ts';
import { createIds } from '../../src/crypto/ids.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aChild, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const SPAN = 600_000;
let spans = 0;

/** Of a time that no other test uses. */
function aList(): StatusListRow {
  spans += 1;
  const beginsAt = T0 + spans * SPAN;
  return { id: anId(), beginsAt, expiresAt: beginsAt + SPAN };
}

onEveryDatabase('status lists', (open) => {
  let store: DatabaseStore;
  beforeAll(() => {
    store = createStore(open());
  });

  describe('numbers', () => {
    test('are taken from the list of the time, and from a new one when it is full', async () => {
      const [first, second] = [aList(), { ...aList(), beginsAt: 0 }];
      const part = { count: 10, capacity: 25 };
      const later = { ...second, beginsAt: first.beginsAt, expiresAt: first.expiresAt };
      expect(await store.statusLists.take(first, part)).toEqual({ id: first.id, first: 0 });
      expect(await store.statusLists.take(later, part)).toEqual({ id: first.id, first: 10 });
      // Five are left, which is too few.
      expect(await store.statusLists.take(later, part)).toEqual({ id: later.id, first: 0 });
      expect(await store.statusLists.byId(first.id)).toEqual(first);
      expect(await store.statusLists.byId('unknown')).toBeUndefined();
    });

    test('are given once, however many ask at the same time', async () => {
      const { beginsAt, expiresAt } = aList();
      const ask = () =>
        store.statusLists.take({ id: anId(), beginsAt, expiresAt }, { count: 7, capacity: 50 });
      const taken = await Promise.all(Array.from({ length: 40 }, ask));
      expect(new Set(taken.map(({ id, first }) => `${id} ${first}`)).size).toBe(40);
      for (const { first } of taken) expect(first).toBeLessThanOrEqual(43);
    });

    test('go to tokens one by one; processes share a list, and no number', async () => {
      const { beginsAt } = aList();
      const parts = { store, ids: createIds(), clock: { now: () => T0 }, capacity: 1000 };
      const nodes = [1, 2].map(() => createStatusIndexes({ ...parts, shuffle: (_list, n) => n }));
      const wanted = Array.from({ length: 500 }, (_, i) => nodes[i % 2]?.next(beginsAt + i));
      const given = (await Promise.all(wanted.map(async (one) => one))).map(
        (one) => `${one?.list} ${one?.index}`,
      );
      expect(new Set(given).size).toBe(500);
      expect(new Set(given.map((one) => one.split(' ')[0])).size).toBeLessThanOrEqual(2);
    });
  });

  test('the tokens of a list come page by page, with all that they rest on, while they have not expired', async () => {
    const list = aList();
    const root = aTask({ expiresAt: list.expiresAt + SPAN });
    const via = aToken(root);
    const child = aChild(root, via.tokenId);
    const place = (statusIndex: number, after: number) =>
      aToken(child, { statusList: list.id, statusIndex, expiresAt: list.beginsAt + after });
    // Two of them end at the same moment.
    const tokens = [place(3, 10), place(9, 20), place(4, 20), place(7, SPAN - 1)];
    const strangers = [
      aToken(child, { expiresAt: list.beginsAt + 15 }),
      aToken(child, { statusList: anId(), statusIndex: 3, expiresAt: list.beginsAt + 15 }),
    ];
    const miss = new Error('taken') as never;
    await store.commit(
      aUnit([
        { do: 'insert_task', task: root, miss },
        { do: 'insert_task', task: child, miss },
        ...[...tokens, ...strangers, via].map((token): Change => ({ do: 'insert_token', token })),
      ]),
    );
    const read = async (now: number) => {
      const found: StatusEntry[] = [];
      let after: EntryPlace | undefined;
      do {
        const page = await store.statusLists.entries(list, { now, limit: 2, after });
        found.push(...page.entries);
        after = page.next;
      } while (after);
      return found;
    };
    const all = await read(T0);
    expect(all.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([3, 4, 7, 9]);
    expect(all[0]).toEqual({
      index: 3,
      token: { tokenId: tokens[0]?.tokenId, kind: 'access', parentTokenId: via.tokenId },
      task: {
        handle: child.handle,
        grant: child.grant,
        clientId: child.clientId,
        clientEpoch: 0,
        subject: child.subject,
        subjectKind: 'agent',
        subjectEpoch: 0,
        lineage: child.lineage,
      },
    });
    expect((await read(list.beginsAt + 20)).map(({ index }) => index)).toEqual([7]);
    const [kept] = tokens;
    expect(kept && (await store.tokens.byId(kept.tokenId))).toEqual(kept);
  });
});
