import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RecordAdapter } from '../../src/oidc/records/record-adapter.ts';
import { groupCommitter } from '../../src/store/commit/committer.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { createTestContext, type TestContext } from '../support/app-context.ts';

let app: TestContext;
let database: Database;
let store: DatabaseStore;

beforeAll(async () => {
  app = await createTestContext({ bootstrapped: false });
  database = await openDatabase({ dataDir: ':memory:', poolMax: 1 });
  store = createStore(database);
});
afterAll(async () => {
  await store.close();
  await app.close();
});

test('a pushed request whose use was stored, but whose commit was not confirmed, has not been "already used"', async () => {
  let unclear = 1;
  const committer = groupCommitter(database.knex, async (work) => {
    const result = await database.knex.transaction(work);
    unclear -= 1;
    if (unclear >= 0) throw new Error('Connection terminated unexpectedly');
    return result;
  });
  const context = { ...app.context, store: { ...store, commit: committer.commit } };
  const requests = new RecordAdapter('PushedAuthorizationRequest', { context, artifacts: store.artifacts });
  await requests.upsert('a-request-uri', { request: 'pushed' }, 60);
  await requests.consume('a-request-uri');
  expect(await requests.find('a-request-uri')).toHaveProperty('consumed');
  const { items } = await store.audit.search({ type: 'authorization_request_used' }, { limit: 10 });
  expect(items).toHaveLength(1);
  await expect(requests.consume('a-request-uri')).rejects.toThrow('invalid_request_uri');
});
