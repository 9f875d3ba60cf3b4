import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, openDatabase } from '../../src/store/database.ts';
import { loadMigrations, type Migration, migrateUp } from '../../src/store/schema/migrate.ts';
import { type Place, postgresPlace } from '../store/databases.ts';

const TIMEOUT_MS = 500;

let place: Place;
beforeAll(async () => {
  place = await postgresPlace();
  await (await openDatabase(place.settings)).close();
});
afterAll(() => place.remove());

test('a node that is gone in the middle of a migration keeps nobody out, and changes nothing when it comes back', async () => {
  const frozen = connect({ ...place.settings, timeoutMs: TIMEOUT_MS });
  const [middle, thaw] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const migration: Migration = {
    name: '29990101000000_frozen.ts',
    async up(trx) {
      await trx.schema.alterTable('tokens', (table) => void table.text('new'));
      middle.resolve(undefined);
      // The machine is suspended, or has lost its power: PostgreSQL hears nothing of it.
      await thaw.promise;
    },
    down: async () => undefined,
  };
  const migrating = migrateUp(frozen, [...(await loadMigrations()), migration]);
  migrating.catch(() => undefined);
  await middle.promise;

  const another = await openDatabase({ ...place.settings, timeoutMs: 10 * TIMEOUT_MS });
  await another.knex.raw('SELECT * FROM tokens');
  await another.close();
  thaw.resolve(undefined);
  await expect(migrating).rejects.toThrow();
  await frozen.destroy();
});
