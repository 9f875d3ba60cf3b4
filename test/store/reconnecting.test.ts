import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { DomainError } from '../../src/domain/errors.ts';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { aTask, aUnit } from '../support/fixtures.ts';
import { type Place, postgresPlace } from './databases.ts';

const taken = new DomainError('task_id_taken', 'taken');

describe('a PostgreSQL server that ends its connections', () => {
  let place: Place;
  let store: DatabaseStore;
  beforeAll(async () => {
    place = await postgresPlace();
    store = createStore(await openDatabase(place.settings));
  });
  afterAll(async () => {
    await store.close();
    await place.remove();
  });

  test('loses nothing that was acknowledged, stores nothing twice, and is used again at once', async () => {
    const killer = new pg.Client({ connectionString: place.settings.databaseUrl });
    await killer.connect();
    const acknowledged: string[] = [];
    let killing = true;
    const kill = (async () => {
      while (killing) {
        await killer.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        );
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const clients = Array.from({ length: 10 }, async () => {
      for (let i = 0; i < 20; i += 1) {
        const task = aTask();
        const unit = aUnit([{ do: 'insert_task', task, miss: taken }]);
        const outcome = await store.commit(unit).then(
          () => 'stored',
          (error: unknown) => error,
        );
        // A failure may be told; a refusal would be a lie.
        expect(outcome).not.toBe(taken);
        if (outcome === 'stored') acknowledged.push(task.handle);
      }
    });
    await Promise.all(clients);
    killing = false;
    await kill;
    await killer.end();
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(await store.tasks.byHandles(acknowledged)).toHaveLength(acknowledged.length);
    const task = aTask();
    await store.commit(aUnit([{ do: 'insert_task', task, miss: taken }]));
    expect(await store.tasks.byHandle(task.handle)).toEqual(task);
  });
});

describe('connections to a PostgreSQL server that only reads since a failover', () => {
  let place: Place;
  let store: DatabaseStore;
  let administrator: pg.Client;
  beforeAll(async () => {
    place = await postgresPlace();
    store = createStore(await openDatabase(place.settings));
    administrator = new pg.Client({ connectionString: place.settings.databaseUrl });
    await administrator.connect();
  });
  afterAll(async () => {
    await administrator.end();
    await store.close();
    await place.remove();
  });

  test('are given up, and the one that writes is found', async () => {
    const database = new URL(place.settings.databaseUrl ?? '').pathname.slice(1);
    const opening = () => aUnit([{ do: 'insert_task', task: aTask(), miss: taken }]);
    // Whoever connects meanwhile stays with what only reads.
    await administrator.query(`ALTER DATABASE "${database}" SET default_transaction_read_only = on`);
    await expect(store.commit(opening())).rejects.toBeInstanceOf(UnavailableError);
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.artifacts.findByUid('Session', `${i}`)));
    await administrator.query(`ALTER DATABASE "${database}" RESET default_transaction_read_only`);
    const outcomes: string[] = [];
    for (let i = 0; i < 10; i += 1) {
      const commit = store.commit(opening());
      outcomes.push(
        await commit.then(
          () => 'stored',
          (error: unknown) => String(error),
        ),
      );
      await store.ping();
    }
    expect(outcomes.at(-1)).toBe('stored');
  });
});
