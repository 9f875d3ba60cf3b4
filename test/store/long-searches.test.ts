import { setImmediate } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { DomainError } from '../../src/domain/errors.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { tokens } from '../../src/store/tables/tokens.ts';
import { aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const LIVE = 12_000;
const miss = new DomainError('conflict', 'it does not hold');

onEveryDatabase('a search for few among many', (open) => {
  const task = aTask({ expiresAt: T0 + 1e9 });
  const revoked = aToken(task, { tokenId: 'revoked', revokedAt: T0, issuedAt: T0, digest: null });
  const live = aToken(task, { tokenId: 'live', issuedAt: T0 + 1, expiresAt: T0 + 1e9, digest: null });
  let store: DatabaseStore;

  beforeAll(async () => {
    store = createStore(open());
    const issued = [revoked, live].map((token) => ({ do: 'insert_token', token }) as const);
    await store.commit(aUnit([{ do: 'insert_task', task, miss }, ...issued]));
    const changed: Record<string, string> = { token_id: "token_id || '-' || n", issued_at: 'issued_at + n' };
    const values = tokens.columns.map((column) => changed[column] ?? column);
    await open().knex.raw(
      `INSERT INTO tokens (${tokens.columns.join(', ')})
       WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${LIVE})
       SELECT ${values.join(', ')} FROM tokens, numbers WHERE token_id = 'live'`,
    );
  });

  const search = (after?: string) =>
    store.tokens.search({ clientId: task.clientId, revoked: true, now: T0 }, { limit: 5, after });

  test('ends its page early, and finds them on a later one', async () => {
    const pages = [await search()];
    for (let next = pages[0]?.next; next; next = pages.at(-1)?.next) pages.push(await search(next));
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.slice(0, -1).flatMap(({ items }) => items)).toEqual([]);
    expect(pages.at(-1)?.items.map(({ tokenId }) => tokenId)).toEqual(['revoked']);
  });

  test('gives everybody else a turn meanwhile', async () => {
    let done = false;
    let turns = 0;
    const searching = search().then(() => (done = true));
    for (; !done; turns += 1) await setImmediate();
    await searching;
    expect(turns).toBeGreaterThan(10);
  });
});
