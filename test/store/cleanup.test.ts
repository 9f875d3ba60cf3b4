import { beforeEach, expect, test } from '@jest/globals';
import type { Change } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anEvent, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';

const miss = new DomainError('task_id_taken', 'taken');
const HOUR = 3_600_000;
const NOW = T0 + 100 * HOUR;

onEveryDatabase('cleaning up', (open) => {
  let store: DatabaseStore;
  beforeEach(() => {
    store = createStore(open());
  });
  const commit = (changes: Change[], at = T0) => store.commit(aUnit(changes, { events: [anEvent({ at })] }));
  const cutoffs = { now: NOW, tokens: NOW - HOUR, tasks: NOW - 2 * HOUR, audit: NOW - 3 * HOUR };

  test('removes what has ended, in small batches, and keeps the rest', async () => {
    const agent = anAgent();
    const gone = aTask({ expiresAt: NOW - 3 * HOUR });
    const kept = aTask({ expiresAt: NOW - HOUR });
    await commit([
      { do: 'insert_agent', agent, miss },
      { do: 'insert_secret', secret: aSecret(agent.clientId, NOW - 1) },
      { do: 'insert_secret', secret: aSecret(agent.clientId, NOW + 1) },
      { do: 'insert_secret', secret: aSecret(agent.clientId, null) },
      { do: 'insert_registration_token', digest: anId(), clientId: agent.clientId, expiresAt: NOW - 1 },
      { do: 'insert_task', task: gone, miss },
      { do: 'insert_task', task: kept, miss },
      ...[1, 2, 3].map(
        (): Change => ({ do: 'insert_token', token: aToken(gone, { expiresAt: NOW - 4 * HOUR }) }),
      ),
      { do: 'insert_token', token: aToken(kept, { expiresAt: NOW - HOUR + 1 }) },
      { do: 'revoke', entry: anEntry(NOW - 1) },
      { do: 'revoke', entry: anEntry(NOW + 1) },
    ]);
    await commit([], NOW);
    await store.artifacts.upsert(anArtifact(NOW - 1));
    await store.artifacts.upsert(anArtifact(NOW + 1));
    await store.artifacts.upsert(anArtifact(null));

    // One of each table, of three tokens two at most; the task still has a token.
    expect(await store.cleanup.removeExpired(cutoffs, 2)).toBe(1 + 1 + 1 + 2 + 0 + 1 + 1);
    expect(await store.tasks.byHandle(gone.handle)).toEqual(gone);
    expect(await store.cleanup.removeExpired(cutoffs, 2)).toBe(1 + 1);
    expect(await store.cleanup.removeExpired(cutoffs, 2)).toBe(0);

    expect(await rows()).toEqual({
      agents: 1,
      client_secrets: 2,
      registration_tokens: 0,
      tasks: 1,
      task_ids: 2,
      tokens: 1,
      revocations: 1,
      oidc_artifacts: 2,
      audit_events: 1,
    });
    // The id of a removed task stays taken.
    await expect(commit([{ do: 'insert_task', task: aTask({ taskId: gone.taskId }), miss }])).rejects.toBe(
      miss,
    );
  });

  async function rows() {
    const tables = [
      'agents',
      'client_secrets',
      'registration_tokens',
      'tasks',
      'task_ids',
      'tokens',
      'revocations',
    ];
    const counted: Record<string, number> = {};
    for (const table of [...tables, 'oidc_artifacts', 'audit_events']) {
      counted[table] = (await open().knex(table)).length;
    }
    return counted;
  }
});

function aSecret(clientId: string, expiresAt: number | null) {
  return { id: anId(), clientId, digest: anId(), createdAt: T0, expiresAt };
}

function anEntry(expiresAt: number) {
  return { kind: 'task' as const, handle: anId(), epoch: 0, reason: null, actor: null, at: T0, expiresAt };
}

function anArtifact(expiresAt: number | null) {
  const none = { grantId: null, uid: null, accountId: null, clientId: null, consumedAt: null };
  return { model: 'Session', id: anId(), payload: {}, expiresAt, ...none };
}
