import { expect, test } from '@jest/globals';
import { anId, T0 } from '../../support/fixtures.ts';
import { entryFor, readingOnEveryDatabase } from './reading.ts';

readingOnEveryDatabase(({ store, commit }) => {
  test('the ledger answers each of many calls with the rows for its own handles', async () => {
    const handles = Array.from({ length: 5 }, () => anId());
    for (const handle of handles)
      await commit({ do: 'revoke', entry: entryFor({ kind: 'task', handle, epoch: 0 }) });
    const answers = await Promise.all([
      ...handles.map((handle) => store().ledger.among([{ kind: 'task', handle, epoch: 0 }])),
      store().ledger.among([{ kind: 'grant', handle: handles[0] ?? '', epoch: 0 }]),
      store().ledger.among([]),
    ]);
    expect(answers).toEqual([...handles.map((handle) => [{ kind: 'task', handle, epoch: 0 }]), [], []]);
  });

  test('the ledger tells when, why and by whom a handle was ended, each epoch by itself', async () => {
    const [task, agent] = [anId(), anId()];
    const entries = [
      entryFor({ kind: 'task', handle: task, epoch: 0 }),
      {
        ...entryFor({ kind: 'agent', handle: agent, epoch: 2 }),
        reason: 'again',
        actor: 'admin',
        at: T0 + 5,
      },
      { ...entryFor({ kind: 'agent', handle: agent, epoch: 1 }), reason: 'once', actor: null, at: T0 + 3 },
    ];
    for (const entry of entries) await commit({ do: 'revoke', entry });
    expect(await store().ledger.entries({ kind: 'agent', handle: agent })).toEqual([
      { kind: 'agent', handle: agent, epoch: 1, at: T0 + 3, reason: 'once', actor: null },
      { kind: 'agent', handle: agent, epoch: 2, at: T0 + 5, reason: 'again', actor: 'admin' },
    ]);
    expect(await store().ledger.entries({ kind: 'task', handle: task })).toHaveLength(1);
    expect(await store().ledger.entries({ kind: 'grant', handle: task })).toEqual([]);
  });
});
