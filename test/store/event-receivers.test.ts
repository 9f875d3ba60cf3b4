import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openDatabase } from '../../src/store/database.ts';
import { createStore, type DatabaseStore } from '../../src/store/store.ts';
import { anAgent, aUnit, T0 } from '../support/fixtures.ts';
import { miss } from './committing.ts';
import { type Place, postgresPlace } from './databases.ts';

describe('the position of a receiver of events', () => {
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

  test.each([
    ['has acknowledged before', true],
    ['acknowledges for the first time', false],
  ])('is not left behind by an acknowledgement while one is deleted that %s', async (_, before) => {
    const agent = anAgent();
    const { clientId } = agent;
    await store.commit(aUnit([{ do: 'insert_agent', agent, miss }]));
    if (before) await store.eventReceivers.advance(clientId, 3, T0);
    // Half-way through a deletion, on another node.
    await rival.query('BEGIN');
    await rival.query('UPDATE agents SET deleted_at = $1 WHERE client_id = $2', [T0, clientId]);
    await rival.query('DELETE FROM event_receivers WHERE client_id = $1', [clientId]);
    const acknowledged = store.eventReceivers.advance(clientId, 7, T0);
    const waits =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    const done = acknowledged.then(() => true);
    const over = async () => Promise.race([done, setTimeout(5, false)]);
    while ((await rival.query(waits)).rowCount === 0 && !(await over()));
    await rival.query('COMMIT');
    await acknowledged;
    expect(await store.eventReceivers.position(clientId)).toBe(0);
  });
});
