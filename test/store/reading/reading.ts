import { beforeAll, expect } from '@jest/globals';
import type { Page, Paged } from '../../../src/app/ports/page.ts';
import type { Change } from '../../../src/app/unit-of-work.ts';
import { DomainError } from '../../../src/domain/errors.ts';
import type { Dependency } from '../../../src/domain/revocation.ts';
import type { TaskToken } from '../../../src/domain/task-token.ts';
import type { Task } from '../../../src/domain/task.ts';
import { createStore, type DatabaseStore } from '../../../src/store/store.ts';
import { aChild, anId, aTask, aToken, aUnit, T0 } from '../../support/fixtures.ts';
import { onEveryDatabase } from '../databases.ts';

export const miss = new DomainError('conflict', 'unexpected');
const HOUR = 3_600_000;

/** The store of a suite, and what is written into it to be read. */
export type Reading = ReturnType<typeof readingFrom>;

export type Tree = Awaited<ReturnType<Reading['aTree']>>;

/** Runs a suite on every database. */
export function readingOnEveryDatabase(suite: (reading: Reading) => void): void {
  onEveryDatabase('reading', (open) => {
    let store: DatabaseStore;
    beforeAll(() => {
      store = createStore(open());
    });
    suite(readingFrom(() => store));
  });
}

function readingFrom(store: () => DatabaseStore) {
  const commit = (...changes: Change[]) => store().commit(aUnit(changes));
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

  return { store, commit, save, aTree };
}

/** Every page of a list, read with the cursors that it answers. */
export async function all<T>(list: (page: Page) => Promise<Paged<T>>, limit: number): Promise<T[]> {
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

export function idsOf({ items }: { items: readonly TaskToken[] }): string[] {
  return items.map(({ tokenId }) => tokenId).sort();
}

/** Ends what is named by the handle, for an hour. */
export function entryFor(handle: Dependency) {
  return { ...handle, reason: null, actor: null, at: T0, expiresAt: T0 + HOUR };
}
