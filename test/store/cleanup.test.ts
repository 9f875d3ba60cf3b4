import { beforeEach, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import type { Change } from '../../src/app/unit-of-work.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { RETAINED, removal } from '../../src/store/tables/cleanup.ts';
import { isPostgres } from '../../src/store/sql/statements.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, anEvent, anId, aTask, aToken, aUnit, T0 } from '../support/fixtures.ts';
import { onEveryDatabase } from './databases.ts';
import { sqlitePlan } from './sqlite-plan.ts';

const miss = new DomainError('task_id_taken', 'taken');
const HOUR = 3_600_000;
const NOW = T0 + 100 * HOUR;

const ONE_OF_EACH = {
  oidc_artifacts: 1,
  registration_tokens: 1,
  client_secrets: 1,
  revocations: 1,
  audit_events: 1,
};
const NONE = Object.fromEntries(RETAINED.map(({ table }) => [table, 0]));

onEveryDatabase('cleaning up', (open) => {
  let store: DatabaseStore;
  beforeEach(() => {
    store = createStore(open());
  });
  const commit = (changes: Change[], at = T0) => store.commit(aUnit(changes, { events: [anEvent({ at })] }));
  const cutoffs = {
    now: NOW,
    tokens: NOW - HOUR,
    tasks: NOW - 2 * HOUR,
    audit: NOW - 3 * HOUR,
    webhooks: NOW - 3 * HOUR,
  };

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
    expect(await removeTwoOfEach()).toEqual({ ...NONE, ...ONE_OF_EACH, tokens: 2 });
    expect(await store.tasks.byHandle(gone.handle)).toEqual(gone);
    expect(await removeTwoOfEach()).toEqual({ ...NONE, tokens: 1, tasks: 1 });
    expect(await removeTwoOfEach()).toEqual(NONE);

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

  async function removeTwoOfEach() {
    const removed: Record<string, number> = {};
    for (const table of store.cleanup.tables) {
      removed[table] = (await store.cleanup.removeExpired(table, cutoffs, { from: 0, most: 2 })).removed;
    }
    return removed;
  }

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

onEveryDatabase('what has ended is found without reading the rest', (open) => {
  const cutoffs = { now: NOW, tokens: NOW, tasks: NOW, audit: NOW, webhooks: NOW };

  test.each(RETAINED.map(({ table, ended }) => [table, ended]))('%s, by an index on %s', async (table) => {
    const { knex } = open();
    const { sql, bindings } = removal(knex, table, cutoffs, { from: 0, most: 100 });
    const plan = await planOf(knex, sql, bindings);
    // Whatever it looks up for a row has an index as well.
    expect(plan).not.toMatch(/Seq Scan|\bSCAN (?!.*USING)/);
    expect(plan).toMatch(new RegExp(`${table}_(expiry|at|resets_at)`));
  });
});

/** How the database would go about a statement if all tables were large. */
async function planOf(knex: Knex, sql: string, bindings: readonly unknown[]): Promise<string> {
  const values = bindings as Knex.RawBinding[];
  if (!isPostgres(knex)) return (await sqlitePlan(knex, sql, values)).join('\n');
  return knex.transaction(async (trx) => {
    await trx.raw('SET LOCAL enable_seqscan = off');
    await trx.raw('SET LOCAL enable_sort = off');
    const { rows } = await trx.raw(`EXPLAIN ${sql}`, values);
    return rows.map((row: Record<string, string>) => row['QUERY PLAN']).join('\n');
  });
}
