import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import knexLibrary from 'knex';
import pg from 'pg';
import { aroundConnecting } from '../../src/store/connection/around-connecting.ts';
import { waitForRoom } from '../../src/store/connection/connection-room.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { isUnavailable } from '../../src/store/sql/unavailability.ts';
import { type Place, postgresPlace } from './databases.ts';

/** PostgreSQL: too_many_connections. */
const TOO_MANY = '53300';

describe('a PostgreSQL server that has room for fewer connections than the pool', () => {
  const role = `taskgrant_${randomBytes(8).toString('hex')}`;
  let place: Place;
  let administrator: pg.Client;
  let database: Database;

  beforeAll(async () => {
    place = await postgresPlace('nothing');
    const url = new URL(place.settings.databaseUrl ?? '');
    administrator = new pg.Client({ connectionString: url.href });
    await administrator.connect();
    await administrator.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 2 PASSWORD '${role}'`);
    await administrator.query(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${role}`);
    url.username = role;
    url.password = role;
    database = await openDatabase({ ...place.settings, databaseUrl: url.href });
  });
  afterAll(async () => {
    await database?.close();
    await administrator.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
    await administrator.query(`DROP OWNED BY ${role}`);
    await administrator.query(`DROP ROLE ${role}`);
    await administrator.end();
    await place.remove();
  });

  test('requests wait for one of those that there are', async () => {
    const asked = Array.from({ length: 24 }, () => database.knex.raw('SELECT pg_sleep(0.02)'));
    const failed = (await Promise.allSettled(asked)).filter(({ status }) => status === 'rejected');
    expect(failed).toEqual([]);
  });

  test('a request fails soon when there is none', async () => {
    await administrator.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
    const end = 'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1';
    await administrator.query(end, [role]);
    const ask = () => database.knex.raw('SELECT 1').catch((error: unknown) => error);
    let failure = await ask();
    // The connections that were ended say so once.
    while ((failure as { code?: unknown }).code === '57P01') failure = await ask();
    expect(failure).toMatchObject({ code: TOO_MANY });
    expect(isUnavailable(failure)).toBe(true);
  });
});

test('whoever waits for room waits for longer than the pool gives a connection, and no other is made meanwhile', async () => {
  const db = knexLibrary.default({
    client: 'pg',
    connection: {},
    pool: { min: 0, max: 3, createTimeoutMillis: 50 },
  });
  let room = 1;
  db.client.acquireRawConnection = async () => {
    if (room === 0) throw Object.assign(new Error('too many connections'), { code: TOO_MANY });
    room -= 1;
    return { end: (done: () => void) => done() };
  };
  waitForRoom(db);
  let made = 0;
  aroundConnecting(db, (connect) => {
    made += 1;
    return connect();
  });
  const lent = await db.client.acquireConnection();
  const asked: Promise<unknown> = db.client.acquireConnection();
  asked.catch(() => undefined);
  await setTimeout(500);
  await db.client.releaseConnection(lent);
  expect(await asked).toBe(lent);
  expect(made).toBe(2);
  await db.client.releaseConnection(lent);
  await db.destroy();
});

test('whoever asks while the first connection is still being made waits for that one, however long it takes', async () => {
  const db = knexLibrary.default({ client: 'pg', connection: {}, pool: { min: 0, max: 3 } });
  const arrives = Promise.withResolvers<{ end(done: () => void): void }>();
  let refused = 0;
  let first = true;
  db.client.acquireRawConnection = () => {
    if (first) {
      first = false;
      return arrives.promise;
    }
    refused += 1;
    return Promise.reject(Object.assign(new Error('too many connections'), { code: TOO_MANY }));
  };
  waitForRoom(db);
  const failures: unknown[] = [];
  const ask = () => db.client.acquireConnection().catch((error: unknown) => void failures.push(error));
  const asked = [ask(), ask()];
  while (refused < 4 && failures.length === 0) await setTimeout(10);
  const connection = { end: (done: () => void) => done() };
  arrives.resolve(connection);
  expect(await Promise.race(asked)).toBe(connection);
  await db.client.releaseConnection(connection);
  await Promise.all(asked);
  expect(failures).toEqual([]);
  await db.client.releaseConnection(connection);
  await db.destroy();
});
