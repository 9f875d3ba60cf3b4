import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { createStatusListSource, type StatusListParts } from '../../src/app/revocations/status-list.ts';
import { createManualClock } from '../support/keyring-node.ts';

const PAGES = 40;

/** A store with a long list of tokens that answers at once, as the embedded database does. */
function longList(): StatusListParts {
  let pages = 0;
  const store = {
    statusLists: {
      byId: async (id: string) => ({ id, beginsAt: 0, expiresAt: 1e15 }),
      async entries() {
        pages += 1;
        return { entries: [], next: pages < PAGES ? { expiresAt: pages, tokenId: 'a' } : undefined };
      },
    },
    ledger: { among: async () => [] },
  };
  const context = {
    store,
    clock: Date,
    settings: { issuer: 'https://auth.example.com' },
    statements: { sign: async () => `a list of ${pages} pages` },
  };
  const parts = { context, capacity: 64, maxAgeSeconds: 60, compress: async () => 'compressed' };
  return parts as unknown as StatusListParts;
}

test('while a long status list is made everybody else gets a turn', async () => {
  let turns = 0;
  let made: string | undefined;
  const making = createStatusListSource(longList())
    .read('list')
    .then(({ token }) => (made = token));
  for (; made === undefined; turns += 1) await setImmediate();
  expect(await making).toBe(`a list of ${PAGES} pages`);
  expect(turns).toBeGreaterThanOrEqual(PAGES - 1);
});

test('a list that was made before the clock was set back is made again', async () => {
  const parts = longList();
  const clock = createManualClock(1e12);
  const source = createStatusListSource({ ...parts, context: { ...parts.context, clock } });
  const { token } = await source.read('list');
  expect((await source.read('list')).token).toBe(token);
  clock.time -= 3_600_000;
  expect((await source.read('list')).token).not.toBe(token);
});
