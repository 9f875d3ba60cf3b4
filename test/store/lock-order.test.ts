import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Artifact } from '../../src/app/artifact.ts';
import type { UnitOfWork } from '../../src/app/unit-of-work.ts';
import { openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aChild, anId, aTask, aUnit, T0 } from '../support/fixtures.ts';
import { miss, opening } from './committing.ts';
import { type Place, postgresPlace } from './databases.ts';

/**
 * Two nodes that write the same rows at once must wait for one another, never in a circle: PostgreSQL would let both of
 * them wait for a second. So each begins with the same row, in whatever order it was asked.
 */
describe('what is committed together takes its rows in one order', () => {
  let place: Place;
  let store: DatabaseStore;
  let rival: pg.Client;
  beforeAll(async () => {
    place = await postgresPlace();
    store = createStore(await openDatabase(place.settings));
    rival = new pg.Client({ connectionString: place.settings.databaseUrl });
    await rival.connect();
  });
  afterAll(async () => {
    await rival.end();
    await store.close();
    await place.remove();
  });

  /** While a rival has `first`, `write` waits for it; `last` is still free then. */
  async function begins(
    write: () => Promise<unknown>,
    rows: { readonly first: string; readonly last: string },
    take: (row: string) => [string, unknown[]],
  ): Promise<void> {
    await rival.query("BEGIN; SET LOCAL lock_timeout = '100ms'");
    await rival.query(...take(rows.first));
    const written = write();
    const waits =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while ((await rival.query(waits)).rowCount === 0) await setTimeout(5);
    const free = rival.query(...take(rows.last)).finally(() => rival.query('ROLLBACK'));
    await expect(free).resolves.toMatchObject({ rowCount: 1 });
    await written;
  }

  const commitAll = (units: readonly UnitOfWork[]) => Promise.all(units.map((unit) => store.commit(unit)));
  const [first, last] = [anId(), anId()].toSorted() as [string, string];

  test.each([
    ['issued to', (unit: UnitOfWork) => unit],
    // Not a plain unit any more.
    [
      'derived with something else',
      (unit: UnitOfWork) => ({ ...unit, changes: [...unit.changes, another()] }),
    ],
  ])('tasks that children are %s', async (_, made) => {
    const parents = [anId(), anId()].toSorted().map((handle) => opening(aTask({ handle })));
    await commitAll(parents.map(({ unit }) => unit));
    const units = parents.map(({ task, token }) => made(opening(aChild(task, token.tokenId)).unit));
    const [one, other] = parents.map(({ task }) => task.handle) as [string, string];
    await begins(
      () => commitAll(units.toReversed()),
      { first: one, last: other },
      (handle) => ['SELECT 1 FROM tasks WHERE handle = $1 FOR UPDATE', [handle]],
    );
  });

  test.each([
    ['plain', (unit: UnitOfWork) => unit],
    ['other', (unit: UnitOfWork) => ({ ...unit, changes: [...unit.changes, another()] })],
  ])('ids of tasks that %s units take', async (kind, made) => {
    const ids = { first: `${kind}-${first}`, last: `${kind}-${last}` };
    const units = [ids.last, ids.first].map((taskId) => made(opening(aTask({ taskId })).unit));
    await begins(
      () => commitAll(units),
      ids,
      (id) => ['INSERT INTO task_ids (task_id) VALUES ($1)', [id]],
    );
  });

  test('tokens that are used up', async () => {
    const tokens = [opening(), opening()].map(({ token, unit }) => ({ token, unit }));
    await commitAll(tokens.map(({ unit }) => unit));
    const [one, other] = tokens.map(({ token }) => token.tokenId).toSorted() as [string, string];
    const use = (tokenId: string) =>
      aUnit([{ do: 'consume_token', tokenId, at: T0, redeemedAs: null, miss }]);
    await begins(
      () => commitAll([use(other), use(one)]),
      { first: one, last: other },
      (tokenId) => ['SELECT 1 FROM tokens WHERE token_id = $1 FOR UPDATE', [tokenId]],
    );
  });

  test('records that are used up', async () => {
    const records = [anId(), anId()].toSorted() as [string, string];
    await Promise.all(records.map((id) => store.artifacts.upsert(aSession(id))));
    const use = (id: string) => aUnit([{ do: 'consume_artifact', model: 'Session', id, at: T0, miss }]);
    const [one, other] = records;
    await begins(
      () => commitAll([use(other), use(one)]),
      { first: one, last: other },
      (id) => ['SELECT 1 FROM oidc_artifacts WHERE id = $1 FOR UPDATE', [id]],
    );
  });

  test('records of the engine', async () => {
    const save = () => Promise.all([last, first].map((id) => store.artifacts.upsert(aSession(id))));
    await begins(save, { first, last }, (id) => [
      "INSERT INTO oidc_artifacts (model, id, payload) VALUES ('Session', $1, '{}')",
      [id],
    ]);
  });

  function another() {
    return { do: 'insert_artifact' as const, artifact: aSession(anId()), miss };
  }

  function aSession(id: string): Artifact {
    const nobody = { grantId: null, uid: null, accountId: null, clientId: null };
    return { model: 'Session', id, payload: {}, ...nobody, consumedAt: null, expiresAt: null };
  }
});
