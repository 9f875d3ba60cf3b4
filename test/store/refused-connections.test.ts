import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { UnavailableError } from '../../src/domain/unavailable.ts';
import { openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { opening } from './committing.ts';
import { type Place, postgresPlace } from './databases.ts';

let place: Place;
let name: string;
let store: DatabaseStore;
let administrator: pg.Client;
beforeAll(async () => {
  place = await postgresPlace();
  name = new URL(place.settings.databaseUrl ?? '').pathname.slice(1);
  store = createStore(await openDatabase(place.settings));
  administrator = new pg.Client({ connectionString: process.env['TEST_DATABASE_URL'] });
  await administrator.connect();
});
afterAll(async () => {
  await administrator?.end();
  await store?.close();
  await place?.remove();
});

/** As an administrator does who wants to have it for a while: those that are connected have to connect anew. */
async function change(how: string): Promise<void> {
  await administrator.query(`ALTER DATABASE "${name}" ${how}`);
  await administrator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    name,
  ]);
}

const told = (call: Promise<unknown>) => call.then(() => 'done', String);

test.each([
  {
    what: 'takes no connections',
    begin: 'ALLOW_CONNECTIONS false',
    end: 'ALLOW_CONNECTIONS true',
    says: 'is not currently accepting connections',
  },
  {
    what: 'begins transactions in which limits would be exceeded',
    begin: "SET default_transaction_isolation = 'repeatable read'",
    end: 'RESET default_transaction_isolation',
    says: 'default_transaction_isolation must be "read committed"',
  },
])('a database that $what is away for as long', async ({ begin, end, says }) => {
  await change(begin);
  // Until then it finds out that connections have ended.
  while (!(await told(store.ping())).includes(says)) continue;
  const asked = [store.ping(), store.commit(opening().unit), store.tasks.byTaskId('a')];
  const attempts = await Promise.allSettled(asked);
  await change(end);
  for (const attempt of attempts) {
    expect(attempt).toMatchObject({ status: 'rejected', reason: expect.any(UnavailableError) });
  }
  while ((await told(store.ping())) !== 'done') continue;
  const { task, unit } = opening();
  await store.commit(unit);
  expect(await store.tasks.byHandle(task.handle)).toEqual(task);
});
