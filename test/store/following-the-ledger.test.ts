import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { LedgerRow } from '../../src/app/ports/ledger.ts';
import type { LedgerEntry } from '../../src/app/unit-of-work.ts';
import { groupCommitter } from '../../src/store/commit/committer.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aTask, aUnit, anId, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const MINUTE = 60_000;
const ALL = 10_000;

function entry(handle: string, over: Partial<LedgerEntry> = {}): LedgerEntry {
  const expiresAt = T0 + MINUTE;
  return { kind: 'task', handle, epoch: 0, reason: null, actor: null, at: T0, expiresAt, ...over };
}

onEveryDatabase('following the ledger', (open) => {
  let store: DatabaseStore;
  beforeEach(async () => {
    store = createStore(open());
    await open().knex('revocations').delete();
  });
  const revoke = (...entries: LedgerEntry[]) =>
    store.commit(aUnit(entries.map((one) => ({ do: 'revoke', entry: one }))));
  const revocation = (handle: string) => aUnit([{ do: 'revoke', entry: entry(handle) }]);
  const handles = (rows: readonly LedgerRow[]) => rows.map(({ handle }) => handle);

  test('an empty ledger has no rows and no head', async () => {
    expect(await store.ledger.since(0, ALL)).toEqual({ rows: [], head: 0 });
  });

  test('rows come in their order, page by page, with the head of the same moment', async () => {
    for (const handle of ['a', 'b', 'c']) await revoke(entry(handle, { at: T0 + 5 }));
    await revoke(entry('agt', { kind: 'agent', epoch: 3 }));
    const all = await store.ledger.since(0, ALL);
    expect(handles(all.rows)).toEqual(['a', 'b', 'c', 'agt']);
    expect(all.rows[0]).toEqual({ seq: all.rows[0]?.seq, kind: 'task', handle: 'a', epoch: 0, at: T0 + 5 });
    expect(all.rows[3]).toMatchObject({ kind: 'agent', epoch: 3, seq: all.head });

    const first = await store.ledger.since(0, 3);
    expect([handles(first.rows), first.head]).toEqual([['a', 'b', 'c'], all.head]);
    const second = await store.ledger.since(first.rows[2]?.seq ?? 0, 3);
    expect([handles(second.rows), second.head]).toEqual([['agt'], all.head]);
    expect(await store.ledger.since(all.head, 3)).toEqual({ rows: [], head: all.head });
    expect(await store.ledger.since(0, 0)).toEqual({ rows: [], head: all.head });
  });

  test('what is revoked again has no second row', async () => {
    await revoke(entry('again'));
    const { head } = await store.ledger.since(0, ALL);
    await revoke(entry('again', { expiresAt: T0 + 2 * MINUTE }));
    expect(await store.ledger.since(head, ALL)).toEqual({ rows: [], head });
  });

  test('the last row is kept when it has expired, so that the head never goes down', async () => {
    await revoke(entry('first'), entry('second'), entry('last'));
    const { head } = await store.ledger.since(0, ALL);
    const now = T0 + 2 * MINUTE;
    const cutoffs = { now, tokens: now, tasks: now, audit: 0, webhooks: 0 };
    const { removed } = await store.cleanup.removeExpired('revocations', cutoffs, { from: 0, most: 100 });
    expect(removed).toBe(2);
    const left = await store.ledger.since(0, ALL);
    expect([handles(left.rows), left.head]).toEqual([['last'], head]);
    // A later one takes its place.
    await revoke(entry('later', { expiresAt: now + MINUTE }));
    await store.cleanup.removeExpired('revocations', cutoffs, { from: 0, most: 100 });
    expect(handles((await store.ledger.since(0, ALL)).rows)).toEqual(['later']);
  });

  test('who follows while many revoke misses nothing, however the commits overlap', async () => {
    const nodes = Array.from({ length: 6 }, () => groupCommitter(open().knex));
    const wanted = Array.from({ length: 120 }, () => anId());
    const seen: LedgerRow[] = [];
    let done = false;
    const following = (async () => {
      for (let last = false; !last; ) {
        last = done;
        const { rows, head } = await store.ledger.since(seen.at(-1)?.seq ?? 0, 7);
        seen.push(...rows);
        expect(head).toBeGreaterThanOrEqual(seen.at(-1)?.seq ?? 0);
        // Until there is no more, once all is done.
        if (rows.length > 0) last = false;
        await setTimeout(1);
      }
    })();
    const committing = nodes.map((node, n) =>
      wanted.filter((_, i) => i % nodes.length === n).map((handle) => node.commit(revocation(handle))),
    );
    await Promise.all(committing.flat());
    done = true;
    await following;
    expect(handles(seen).toSorted()).toEqual(wanted.toSorted());
    const order = seen.map(({ seq }) => seq);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('a receiver of events has a position, which never goes back', async () => {
    const receivers = store.eventReceivers;
    expect(await receivers.position('api-a')).toBe(0);
    await receivers.advance('api-a', 7, T0);
    await receivers.advance('api-b', 3, T0);
    await Promise.all([5, 9, 8].map((position) => receivers.advance('api-a', position, T0 + 1)));
    expect([await receivers.position('api-a'), await receivers.position('api-b')]).toEqual([9, 3]);
  });

  describe('the notice about commits', () => {
    test('comes for those that revoke, after the row can be read, and for no others', async () => {
      const heard: Promise<number>[] = [];
      store.onRevoked(() => void heard.push(store.ledger.since(0, ALL).then(({ rows }) => rows.length)));
      const miss = new Error('taken') as never;
      await store.commit(aUnit([{ do: 'insert_task', task: aTask(), miss }]));
      expect(heard).toHaveLength(0);
      await revoke(entry('a'), entry('b'));
      expect(heard).toHaveLength(1);
      expect(await heard[0]).toBe(2);
    });
  });
});
