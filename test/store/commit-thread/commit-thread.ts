import { afterEach, beforeEach } from '@jest/globals';
import type { openDatabase } from '../../../src/store/database.ts';
import { type Committing, openCommitting } from '../committing.ts';
import { type Place, sqlitePlace } from '../databases.ts';

/** A database on a place of its own for each test, whose plain batches a thread commits once it is started. */
export function commitThread() {
  let place: Place;
  let committing: Committing | undefined;
  beforeEach(async () => {
    place = await sqlitePlace();
  });
  afterEach(async () => {
    await committing?.store.close();
    await place.remove();
  });

  function on(): Committing {
    if (!committing) throw new Error('nothing was started');
    return committing;
  }

  return {
    on,
    async start(script?: URL, open?: typeof openDatabase): Promise<void> {
      committing = await openCommitting(place, script, open);
    },
    /** How many there are of what a plain batch writes. */
    rows: () => {
      const tables = ['tasks', 'task_ids', 'tokens', 'audit_events'];
      const { knex } = on().database;
      return Promise.all(tables.map(async (table) => (await knex(table).count({ n: '*' }))[0]?.['n']));
    },
  };
}
