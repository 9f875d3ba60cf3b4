import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { DomainError } from '../../src/domain/errors.ts';
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
