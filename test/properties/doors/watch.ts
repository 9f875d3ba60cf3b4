import { expect } from '@jest/globals';
import type { UnitOfWork } from '../../../src/app/unit-of-work.ts';
import { handleKey } from '../../../src/domain/revocation.ts';
import type { DatabaseStore } from '../../../src/store/store.ts';

/** Stands before the store and counts what committed units of work add to it. */
export function watchCommits(store: DatabaseStore, clock: { now(): number }) {
  const rows = { tasks: 0, tokens: 0, auditEvents: 0 };
  const revoked = new Set<string>();
  let before: Awaited<ReturnType<typeof counted>> | undefined;
  let told: string[] = [];
  return {
    async commit(unit: UnitOfWork): Promise<void> {
      before ??= await counted(store, clock);
      await store.commit(unit);
      told.push(...unit.events.map(({ type }) => type));
      rows.auditEvents += unit.events.length;
      for (const change of unit.changes) {
        if (change.do === 'insert_task') rows.tasks += 1;
        if (change.do === 'insert_token') rows.tokens += 1;
        if (change.do === 'revoke') revoked.add(`${handleKey(change.entry)}:${change.entry.epoch}`);
      }
    },
    /** From here on `told` speaks of what follows. */
    begin(): void {
      told = [];
    },
    told: () => told,
    /** INVARIANT: there is nothing in the store but what committed units wrote: refusals leave no row behind. */
    async expectNothingElse(): Promise<void> {
      const { tasks, tokens, auditEvents, revocations } = await counted(store, clock);
      expect({ tasks, tokens, auditEvents, revocations }).toEqual({
        tasks: rows.tasks + (before?.tasks ?? 0),
        tokens: rows.tokens + (before?.tokens ?? 0),
        auditEvents: rows.auditEvents + (before?.auditEvents ?? 0),
        revocations: revoked.size + (before?.revocations ?? 0),
      });
    },
  };
}

async function counted(store: DatabaseStore, clock: { now(): number }) {
  const { tasks, tokens, auditEvents, revocations } = await store.counts(clock.now());
  const sum = (groups: Readonly<Record<string, number>>) => Object.values(groups).reduce((a, b) => a + b, 0);
  return { tasks: sum(tasks), tokens: sum(tokens), auditEvents, revocations };
}
