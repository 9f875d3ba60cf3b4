import { beforeEach } from '@jest/globals';
import { DomainError } from '../../../src/domain/errors.ts';
import type { Database } from '../../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../../src/store/store.ts';
import { aTask, aToken, aUnit, T0 } from '../../support/fixtures.ts';
import { onEveryDatabase } from '../databases.ts';

export const taken = new DomainError('task_id_taken', 'taken');
export const used = new DomainError('grant_replayed', 'used');
export const full = new DomainError('fanout_exceeded', 'full');
export const revoked = new DomainError('parent_revoked', 'revoked');

/** A task as it is opened: with its first token. */
export const opening = (task = aTask(), token = aToken(task)) => ({
  task,
  token,
  unit: aUnit([
    { do: 'insert_task', task, miss: taken },
    { do: 'insert_token', token },
  ]),
});

export function ledgerEntry(kind: 'task' | 'token' | 'token_self' | 'grant' | 'agent', handle: string) {
  return { kind, handle, epoch: 0, reason: 'test', actor: 'admin', at: T0, expiresAt: T0 + 1000 };
}

interface Scene {
  open(): Database;
  store(): DatabaseStore;
}

/** Runs a suite on every database, with a store for each test. */
export function committingOnEveryDatabase(suite: (scene: Scene) => void): void {
  onEveryDatabase('committing units of work', (open) => {
    let store: DatabaseStore;
    beforeEach(() => {
      store = createStore(open());
    });
    suite({ open, store: () => store });
  });
}
